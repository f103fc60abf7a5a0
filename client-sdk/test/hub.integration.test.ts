import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ProblemError, type Client, type Codec, type Post } from "../src/index.js";
import { jsonCodec } from "../src/codec.js";
import { msgpackCodec } from "../src/msgpack.js";
import { openThread, type LiveThread } from "../src/thread.js";
import { becomes, binary, RealServer, until, type Somebody } from "./support/real-server.js";
import { rejected } from "./support/world.js";

const bodies = ({ store }: LiveThread): string[] =>
  [...store.view.roots, ...store.view.tail].map(({ comment, draft }) => comment?.body ?? `(${draft!.body})`);

const shows = (thread: LiveThread, expected: string[]) =>
  until(
    `the thread shows ${JSON.stringify(expected)}`,
    (check) => thread.on("change", check),
    () => {
      if (thread.store.view.fresh) thread.store.reveal(null);
      return JSON.stringify(bodies(thread)) === JSON.stringify(expected);
    },
  );

describe("the real server", { skip: !binary && "BELFRY_BIN is not set" }, () => {
  let server: RealServer;
  let ada: Somebody;
  let bob: Somebody;

  const rest = (who?: Somebody) => server.rest(who);
  const connect = (who?: Somebody, codec: Codec = jsonCodec): Client => server.connect(who, { codec });

  const thread = async (client: Client, post: Post): Promise<LiveThread> => {
    const opened = openThread({ client, rest: rest(), postId: post.id });
    await opened.load();
    assert.equal(opened.status, "ready", opened.error?.message);
    return opened;
  };

  before(async () => {
    server = new RealServer(binary!, { BELFRY_MAX_SOCKETS_PER_USER: "6" });
    await server.start();
    ada = await server.register("Ada");
    bob = await server.register("Bob");
  });

  after(() => server.remove());

  for (const codec of [jsonCodec, msgpackCodec]) {
    test(`two people talk live over ${codec.protocol}`, async () => {
      const post = await rest(ada).createPost({ title: "Talk", body: "Hello" });
      const [hers, his] = await Promise.all([ada, bob].map((who) => thread(connect(who, codec), post)));
      hers!.comment(ada.user, "one");
      await shows(his!, ["one"]);
      his!.comment(bob.user, "two 👋");
      await shows(hers!, ["one", "two 👋"]);
      const [first] = hers!.store.view.roots;
      await hers!.edit(first!.comment!.id, "one, edited");
      await shows(his!, ["one, edited", "two 👋"]);
      await hers!.remove(first!.comment!.id);
      await shows(his!, ["", "two 👋"]);
      assert.equal(his!.store.commentCount, 1);
      assert.equal(his!.store.get(first!.comment!.id)!.deleted, true);
      for (const one of [hers!, his!]) one.close();
    });
  }

  test("a key sent twice is one comment", async () => {
    const post = await rest(ada).createPost({ title: "Keys", body: "once" });
    const client = connect(ada);
    const key = crypto.randomUUID();
    const [first, second] = await Promise.all(
      [1, 2].map(() => client.createComment({ postId: post.id, body: "once", key })),
    );
    assert.equal(first!.id, second!.id);
    assert.equal((await rest().comments(post.id)).items.length, 1);
  });

  test("refusals have the codes of the contract", async () => {
    const post = await rest(ada).createPost({ title: "No", body: "no" });
    const anonymous = connect();
    assert.equal((await rejected(anonymous.createComment({ postId: post.id, body: "hm" }))).code, "unauthenticated");
    const client = connect(bob);
    assert.equal((await rejected(client.createComment({ postId: post.id, body: "  " }))).code, "unprocessable");
    assert.equal((await rejected(client.createComment({ postId: 2 ** 40, body: "hm" }))).code, "not_found");
    const { id } = await connect(ada).createComment({ postId: post.id, body: "mine" });
    assert.equal((await rejected(client.editComment(id, "yours"))).code, "forbidden");
    const problem = (await rejected(rest().post(2 ** 40))) as ProblemError;
    assert.ok(problem instanceof ProblemError);
    assert.deepEqual([problem.status, problem.code], [404, "not_found"]);
  });

  test("a token that is none gets a fresh one and comes in", async () => {
    const asked: boolean[] = [];
    const client = server.connect(undefined, {
      token: async ({ fresh }) => (asked.push(fresh), fresh ? ada.token : "none"),
      backOffBaseMs: 10,
    });
    await becomes(client, "connected");
    assert.deepEqual(asked, [false, true]);
    assert.equal(client.user?.name, "Ada");
  });

  test("an anonymous socket is signed in as it stands, and a signed-in one becomes nobody", async () => {
    let who: Somebody | undefined;
    const client = server.connect(undefined, {
      token: async () => who?.token ?? null,
    });
    await becomes(client, "connected");
    assert.equal(client.user, null);
    who = bob;
    void client.reauthenticate();
    await until(
      "it is Bob",
      (check) => client.on("user", check),
      () => client.user?.name === "Bob",
    );
    who = undefined;
    void client.reauthenticate();
    await until(
      "it is nobody",
      (check) => client.on("user", check),
      () => client.user === null,
    );
  });

  test("signing out closes the socket for good", async () => {
    const eve = await server.register("Eve");
    const client = connect(eve);
    await becomes(client, "connected");
    await rest(eve).call("POST", "/auth/logout");
    await becomes(client, "closed");
    assert.equal(client.state.code, 4403);
  });

  test("killed and started again: what was written meanwhile is there once, in order, for both", async () => {
    const post = await rest(ada).createPost({ title: "Storm", body: "Hold on" });
    const [hersClient, hisClient] = [connect(ada), connect(bob, msgpackCodec)];
    const [hers, his] = [await thread(hersClient, post), await thread(hisClient, post)];
    hers.comment(ada.user, "before");
    // Both: hers may still wait for its answer when his has the event.
    await Promise.all([shows(hers, ["before"]), shows(his, ["before"])]);
    await server.kill();
    await becomes(hersClient, "waiting");
    hers.comment(ada.user, "meanwhile");
    assert.deepEqual(bodies(hers), ["before", "(meanwhile)"]);
    await server.start();
    await shows(hers, ["before", "meanwhile"]);
    await shows(his, ["before", "meanwhile"]);
    his.comment(bob.user, "after");
    await shows(hers, ["before", "meanwhile", "after"]);
    const { items } = await rest().comments(post.id);
    assert.deepEqual(
      items.map(({ body }) => body),
      ["before", "meanwhile", "after"],
    );
  });

  test("a deploy says goodbye first, and everybody comes back", async () => {
    const client = connect(ada);
    await becomes(client, "connected");
    const told: string[] = [];
    client.on("message", ({ type }) => told.push(type));
    const stopped = server.kill("SIGTERM");
    await becomes(client, "waiting");
    await stopped;
    assert.ok(told.includes("going_away"));
    await server.start();
    await becomes(client, "connected");
  });

  test("a deleted post ends its rooms", async () => {
    const post = await rest(ada).createPost({ title: "Short", body: "lived" });
    const opened = await thread(connect(), post);
    await rest(ada).deletePost(post.id);
    await until(
      "the thread is gone",
      (check) => opened.on("change", check),
      () => opened.status === "gone",
    );
  });

  test("a new epoch is a hole for everybody, and everybody has it filled", async () => {
    const post = await rest(ada).createPost({ title: "Restored", body: "from a copy" });
    const client = connect(ada);
    const opened = await thread(client, post);
    opened.comment(ada.user, "kept");
    await shows(opened, ["kept"]);
    const room = client.room(`post:${post.id}`);
    await until(
      "the room is live",
      (check) => room.on("live", check),
      () => room.state === "live",
    );
    const { epoch } = room.position!;
    let refetches = 0;
    room.on("refetch", () => refetches++);
    await server.run("epoch", "--new");
    await until(
      "it is told to refetch",
      (check) => room.on("refetch", check),
      () => refetches > 0,
    );
    assert.notEqual(room.position!.epoch, epoch);
    opened.comment(ada.user, "and on");
    await shows(opened, ["kept", "and on"]);
  });

  test("a short token is renewed on the open socket before it ends", async () => {
    const fresh: boolean[] = [];
    const client = server.connect(undefined, {
      token: async (ask) => (fresh.push(ask.fresh), server.run("token", "--name", "Kay", "--ttl", "3s")),
    });
    const states: string[] = [];
    client.on("state", ({ status }) => states.push(status));
    await becomes(client, "connected");
    const renewed = () => fresh.length >= 3;
    await until("it was renewed twice", (check) => client.on("message", check), renewed);
    assert.deepEqual(states, ["connected"]);
    assert.deepEqual(fresh.slice(0, 3), [false, true, true]);
  });

  test("of too many sockets the one silent for longest goes to sleep, and wakes when it is used", async () => {
    const somebody = await server.register("Many");
    const first = connect(somebody);
    await becomes(first, "connected");
    for (let n = 0; n < 6; n++) await becomes(connect(somebody), "connected");
    await becomes(first, "dormant");
    assert.equal(first.state.code, 4409);
    const post = await rest(ada).createPost({ title: "Awake", body: "again" });
    assert.equal((await first.createComment({ postId: post.id, body: "here I am" })).body, "here I am");
  });
});
