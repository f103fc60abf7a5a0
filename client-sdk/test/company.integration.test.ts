import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Client, Post } from "../src/index.js";
import { createInbox, type Inbox } from "../src/inbox.js";
import { msgpackCodec } from "../src/msgpack.js";
import { openThread, type LiveThread, type LiveThreadOptions, type ThreadNode } from "../src/thread.js";
import { becomes, binary, RealServer, until, type Somebody } from "./support/real-server.js";
import { rejected } from "./support/world.js";

describe("people in company on the real server", { skip: !binary && "BELFRY_BIN is not set" }, () => {
  let server: RealServer;
  let ada: Somebody;
  let bob: Somebody;
  let post: Post;

  before(async () => {
    server = new RealServer(binary!);
    await server.start();
    ada = await server.register("Ada");
    bob = await server.register("Bob");
    post = await server.rest(ada).createPost({ title: "Company", body: "Come in" });
  });

  after(() => server.remove());

  async function opened(who: Somebody, options: Partial<LiveThreadOptions> = {}): Promise<LiveThread> {
    const client = options.client ?? server.connect(who);
    const thread = openThread({ client, rest: server.rest(who), postId: post.id, ...options });
    await thread.load();
    assert.equal(thread.status, "ready", thread.error?.message);
    return thread;
  }

  async function inboxOf(who: Somebody, client: Client = server.connect(who)): Promise<Inbox> {
    await becomes(client, "connected");
    const inbox = createInbox({ client, rest: server.rest(who), pageSize: 3 });
    await inbox.load();
    assert.equal(inbox.error, undefined);
    return inbox;
  }

  const shows = (thread: LiveThread, what: string | (() => string), holds: () => boolean) =>
    until(what, (check) => thread.on("change", check), holds);

  const says = (inbox: Inbox, what: string, holds: () => boolean) =>
    until(`${what}, not ${inbox.unread}: ${JSON.stringify(inbox.items)}`, (check) => inbox.onChange(check), holds);

  const kinds = (inbox: Inbox) => inbox.items.map(({ kind }) => kind).join();

  test("reactions are on every tab of both, each with one's own", async () => {
    const comment = await server.connect(ada).createComment({ postId: post.id, body: "React to this" });
    const hers = await opened(ada);
    const [his, hisOther] = [
      await opened(bob),
      await opened(bob, { client: server.connect(bob, { codec: msgpackCodec }) }),
    ];
    const of = (thread: LiveThread) => thread.store.get(comment.id)!;
    await his.react(comment.id, "👍");
    await hers.react(comment.id, "👍");
    await hers.react(comment.id, "❤️", true);
    for (const thread of [hers, his, hisOther]) {
      await shows(thread, "both emoji", () => of(thread).reactions["👍"] === 2 && of(thread).reactions["❤️"] === 1);
    }
    assert.deepEqual(of(hisOther).my_reactions, ["👍"]);
    assert.deepEqual([...of(hers).my_reactions!].sort(), ["❤️", "👍"].sort());
    await hisOther.react(comment.id, "👍");
    await shows(his, "his is gone", () => of(his).reactions["👍"] === 1 && !of(his).my_reactions!.length);
    assert.equal((await rejected(his.react(comment.id, "not an emoji"))).code, "unprocessable");
    assert.equal(of(his).reactions["not an emoji"], undefined);
    const answer = await server.rest(bob).react(comment.id, "🏳️‍🌈", true);
    assert.deepEqual(answer.my_reactions, ["🏳️‍🌈"]);
    await shows(hers, "what REST put there", () => of(hers).reactions["🏳️‍🌈"] === 1);
    assert.deepEqual((await server.rest(bob).react(comment.id, "🏳️‍🌈", false)).my_reactions, []);
    for (const thread of [hers, his, hisOther]) thread.close();
  });

  test("the bell counts up on every tab, and what is read on one is read on all", async () => {
    const fay = await server.register("Fay");
    const hers = await server.rest(fay).createPost({ title: "Fay's", body: "Hello" });
    const tabs = [await inboxOf(fay), await inboxOf(fay, server.connect(fay, { codec: msgpackCodec }))];
    const [tab, other] = tabs as [Inbox, Inbox];
    assert.deepEqual([tab.items, tab.unread, tab.complete], [[], 0, true]);
    const his = server.connect(bob);
    const comment = await his.createComment({ postId: hers.id, body: "on your post" });
    const mine = await server.connect(fay).createComment({ postId: hers.id, parentId: comment.id, body: "thanks" });
    await his.createComment({ postId: hers.id, parentId: mine.id, body: "you are welcome" });
    await his.createComment({ postId: post.id, body: `see here, @${fay.user.handle}` });
    await his.react(mine.id, "🎉", true);
    await server.connect(ada).react(mine.id, "👍", true);
    for (const inbox of tabs) {
      await says(inbox, "four things in all, two of them people", () => inbox.items[0]?.count === 2);
      assert.equal(kinds(inbox), "reaction,mention,reply,comment");
      assert.equal(inbox.unread, 4);
    }
    assert.deepEqual(tab.items[0]!.actors.map(({ name }) => name).sort(), ["Ada", "Bob"]);

    const reading = tab.read([tab.items[1]!.id]);
    assert.equal(tab.unread, 3, "at once");
    await reading;
    await says(other, "three unread", () => other.unread === 3 && other.items[1]!.read_at !== null);
    await other.dismiss(other.items[3]!.id);
    for (const inbox of tabs)
      await says(inbox, "two unread of three", () => inbox.unread === 2 && inbox.items.length === 3);
    await his.react(mine.id, "🎉", false);
    await says(tab, "one person is left", () => tab.items[0]!.count === 1);
    await tab.readAll();
    for (const inbox of tabs) await says(inbox, "nothing unread", () => inbox.unread === 0);

    await server.kill();
    await server.start();
    await his.createComment({ postId: hers.id, body: "after the storm" });
    for (const inbox of tabs) {
      await says(inbox, "one more", () => inbox.unread === 1 && inbox.items[0]!.kind === "comment");
      assert.equal(new Set(inbox.items.map(({ id }) => id)).size, 4);
    }
    const late = await inboxOf(fay);
    assert.deepEqual([late.items.length, late.unread, late.complete], [3, 1, false]);
    await late.loadMore();
    const told = ({ items }: Inbox) => items.map(({ id, read_at }) => [id, read_at !== null]);
    assert.deepEqual([told(late), late.complete], [told(tab), true]);
    assert.deepEqual((await server.rest(fay).notifications({ unread: true })).items.length, 1);
    assert.equal((await server.rest(fay).readNotifications("all")).unread, 0);
    for (const inbox of tabs) await says(inbox, "nothing unread again", () => inbox.unread === 0);
  });

  test("who is here, who writes, and signals", async () => {
    const channel = `post:${post.id}`;
    const [hers, his, nobody] = [server.connect(ada), server.connect(bob), server.connect()];
    const room = hers.room(channel, { presence: true });
    const names = () => (room.roster?.users ?? []).map(({ name }) => name).sort();
    const sees = (what: string, holds: () => boolean) => until(what, (check) => room.on("presence", check), holds);
    room.join();
    await sees("oneself", () => names().join() === "Ada");
    his.room(channel, { presence: true }).join();
    nobody.room(channel, { presence: true }).join();
    await sees("everybody", () => names().join() === "Ada,Bob" && room.roster!.count === 3);
    assert.deepEqual([room.roster!.anonymous, room.roster!.partial, room.roster!.sampled], [1, false, false]);

    const hisRoom = his.room(channel);
    await until(
      "his is live",
      (check) => hisRoom.on("live", check),
      () => hisRoom.state === "live",
    );
    assert.equal(his.typing(channel), true);
    await until(
      "Bob writes",
      (check) => room.on("typing", check),
      () => room.typists[0]?.name === "Bob",
    );
    await his.createComment({ postId: post.id, body: "written" });
    await until(
      "he has written",
      (check) => room.on("typing", check),
      () => !room.typists.length,
    );
    const signals: unknown[] = [];
    room.on("signal", (signal) => signals.push(signal));
    his.signal({ type: "signal", channel, data: { wave: 1 } });
    await until(
      "a wave",
      (check) => room.on("signal", check),
      () => signals.length > 0,
    );
    assert.deepEqual(signals, [{ from: { id: bob.user.id, name: "Bob" }, data: { wave: 1 } }]);

    nobody.close();
    his.close();
    await sees("she is alone", () => names().join() === "Ada" && room.roster!.count === 1);
    await server.kill();
    await becomes(hers, "waiting");
    await server.start();
    await sees("still herself", () => room.state === "live" && names().join() === "Ada");
  });

  test("a tree brings roots with first replies, the rest branch by branch, in three orders", async () => {
    const talk = await server.rest(ada).createPost({ title: "Branches", body: "b" });
    const client = server.connect(ada);
    const say = (body: string, parentId?: number) => client.createComment({ postId: talk.id, body, parentId });
    const roots = [await say("r1"), await say("r2"), await say("r3")];
    const replies = [];
    for (let n = 1; n <= 5; n++) replies.push(await say(`r1.${n}`, roots[0]!.id));
    const deep = await say("r1.1.1", replies[0]!.id);
    await say("r1.1.1.1", deep.id);
    await client.react(roots[1]!.id, "👍", true);
    const thread = await opened(bob, { postId: talk.id, replies: 2, sort: "newest", pageSize: 2 });
    const tree = (nodes: ThreadNode[]): string =>
      nodes
        .map(({ comment, fresh, more, replies }) => {
          const below = [tree(replies), more ? `${more} more` : "", fresh ? `${fresh} new` : ""]
            .filter(Boolean)
            .join(" ");
          return comment!.body + (below && `(${below})`);
        })
        .join(" ");
    const shown = () => tree(thread.store.view.roots);
    assert.equal(shown(), "r3 r2");
    await thread.loadMore();
    assert.equal(shown(), "r3 r2 r1(r1.1(r1.1.1(1 more)) r1.2 3 more)");
    await thread.loadReplies(roots[0]!.id);
    assert.equal(shown(), "r3 r2 r1(r1.1(r1.1.1(1 more)) r1.2 r1.3 r1.4 1 more)");
    await say("r1.6", roots[0]!.id);
    await shows(thread, "a number goes up", () => shown().endsWith("r1.4 2 more)"));
    await thread.loadReplies(roots[0]!.id);
    await thread.loadReplies(deep.id);
    assert.equal(shown(), "r3 r2 r1(r1.1(r1.1.1(r1.1.1.1)) r1.2 r1.3 r1.4 r1.5 r1.6)");
    await say("r1.7", roots[0]!.id);
    await shows(thread, "a new reply waits", () => shown().endsWith("r1.6 1 new)"));
    await thread.setSort("top");
    assert.equal(shown().split(" ")[0], "r2");
    await thread.setSort("oldest");
    assert.equal(shown(), "r1(r1.1(r1.1.1(1 more)) r1.2 5 more) r2");

    const uids = [thread.store.view.roots[0]!.uid, thread.store.view.roots[1]!.uid];
    await thread.loadReplies(roots[0]!.id);
    const before = shown();
    const moves: string[] = [];
    thread.on("change", () => shown() !== before && moves.push(shown()));
    const room = client.room(`post:${talk.id}`);
    let refetched = false;
    room.join();
    room.on("refetch", () => (refetched = true));
    await server.run("epoch", "--new");
    await until(
      "a hole",
      (check) => room.on("refetch", check),
      () => refetched,
    );
    await client.editComment(roots[1]!.id, "r2, edited");
    await shows(
      thread,
      () => `the edit, but ${shown()}`,
      () => shown() === before.replace(/r2$/, "r2, edited"),
    );
    assert.deepEqual(moves, [shown()]);
    assert.deepEqual(uids, thread.store.view.roots.map(({ uid }) => uid).slice(0, 2));
  });

  test("posts are found by words, tags and people, and stand for pages", async () => {
    const rest = server.rest(ada);
    const made = await rest.createPost({ title: "Carillon", body: "Many bells", tags: ["Music"] });
    assert.deepEqual(made.tags, ["music"]);
    assert.deepEqual(
      (await rest.posts({ q: "BELLS carillon" })).items.map(({ id }) => id),
      [made.id],
    );
    assert.deepEqual((await rest.posts({ tag: "music", q: "silence" })).items, []);
    const changed = await rest.updatePost(made.id, { title: "Chimes", tags: ["music", "towers"] });
    assert.deepEqual([changed.title, changed.body, changed.tags], ["Chimes", "Many bells", ["music", "towers"]]);
    assert.deepEqual(
      (await rest.posts({ tag: "towers" })).items.map(({ id }) => id),
      [made.id],
    );
    await server.connect(bob).createComment({ postId: made.id, body: "Ding" });
    assert.deepEqual(
      (await rest.people(made.id)).items.map(({ name }) => name),
      ["Ada", "Bob"],
    );
    assert.deepEqual(
      (await rest.people(made.id, { q: "BO" })).items.map(({ handle }) => handle),
      [bob.user.handle],
    );
    assert.equal((await rejected(rest.postByKey({ page_key: "/about" }))).code, "forbidden", "not without an origin");
  });

  test("who is banned is out, on the socket and over REST, until it is lifted", async () => {
    const [mod, eve] = [await server.register("Mod"), await server.register("Eve")];
    await server.run("role", mod.user.handle, "moderator");
    const { access_token: token } = await server.rest().call<{ access_token: string }>("POST", "/auth/login", {
      body: { email: "mod@example.org", password: "a long enough password", session: "body" },
    });
    const moderator = server.rest({ user: mod.user, token });
    assert.equal((await rejected(server.rest(eve).bans())).code, "forbidden");
    const client = server.connect(eve);
    await becomes(client, "connected");
    await moderator.ban(eve.user.id, { reason: "noise" });
    await becomes(client, "closed");
    assert.equal(client.state.code, 4403);
    const [ban] = (await moderator.bans()).items;
    assert.deepEqual([ban!.user.name, ban!.until, ban!.reason, ban!.by!.name], ["Eve", null, "noise", "Mod"]);
    await moderator.unban(eve.user.id);
    // Instances hear of it a moment later; until then they say 4403 again.
    const tries = () => (client.state.status === "closed" ? client.connect() : undefined);
    const off = client.on("state", () => queueMicrotask(tries));
    tries();
    await becomes(client, "connected");
    off();
    assert.deepEqual((await moderator.bans()).items, []);
  });
});
