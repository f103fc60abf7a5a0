import assert from "node:assert/strict";
import { test } from "node:test";
import { createRest, createSession, ProblemError, type SessionOptions } from "../src/index.js";
import { World, rejected, settle } from "./support/world.js";

const memory = () => {
  const held = new Map<string, string>();
  return {
    held,
    getItem: (name: string) => held.get(name) ?? null,
    setItem: (name: string, value: string) => void held.set(name, value),
    removeItem: (name: string) => void held.delete(name),
  };
};

const credentials = { email: "ada@example.org", password: "correct horse" };

function sessionOf(world: World, options: SessionOptions = {}) {
  const storage = memory();
  const session = createSession({
    baseUrl: "/api/v1",
    fetch: world.fetch,
    clock: world.clock,
    storage,
    lock: (run) => run(),
    ...options,
  });
  return { session, storage };
}

test("a visitor who never signed in costs no request", async () => {
  const world = new World();
  const { session } = sessionOf(world);
  assert.equal(await session.token({ fresh: false }), null);
  assert.equal(session.user, null);
  assert.deepEqual(world.fetch.calls, []);
});

test("signing in gives a token, and nothing secret is stored", async () => {
  const world = new World();
  const { session, storage } = sessionOf(world);
  const told: (string | undefined)[] = [];
  session.on("user", (user) => told.push(user?.name));
  await session.login(credentials);
  const access = await session.token({ fresh: false });
  assert.ok(access && typeof access !== "string");
  assert.equal(world.hub.userOf(access.token)?.name, "Ada");
  assert.equal(access.expiresInMs, 900_000);
  assert.deepEqual(told, ["Ada"]);
  assert.deepEqual([...storage.held], [["belfry.session", "1"]]);
});

test("registering signs in", async () => {
  const world = new World();
  const { session } = sessionOf(world);
  const user = await session.register({ name: "Bob", email: "bob@example.org", password: "long enough" });
  assert.equal(user.name, "Bob");
  assert.equal(session.user?.name, "Bob");
});

test("what is wrong with a field is told by its pointer", async () => {
  const world = new World();
  const { session } = sessionOf(world);
  const error = await rejected(session.register({ name: "Bob", email: "bob@example.org", password: "short" }));
  assert.ok(error instanceof ProblemError);
  assert.deepEqual(error.errors, [{ pointer: "/password", detail: "At least 8 characters." }]);
  assert.equal(error.code, "unprocessable");
});

test("a reload takes the session up by its cookie", async () => {
  const world = new World();
  const { session, storage } = sessionOf(world);
  await session.login(credentials);
  const reloaded = sessionOf(world, { storage }).session;
  await reloaded.token({ fresh: false });
  assert.equal(reloaded.user?.name, "Ada");
});

test("however many ask at once, one refresh is made", async () => {
  const world = new World();
  const { session } = sessionOf(world);
  await session.login(credentials);
  world.fetch.calls.length = 0;
  const tokens = await Promise.all([1, 2, 3].map(() => session.token({ fresh: true })));
  assert.deepEqual(world.fetch.calls, ["POST /api/v1/auth/refresh"]);
  assert.equal(new Set(tokens.map((token) => (token as { token: string }).token)).size, 1);
});

test("a token that is about to end is not handed out", async () => {
  const world = new World();
  const { session } = sessionOf(world);
  await session.login(credentials);
  const first = await session.token({ fresh: false });
  await world.clock.advance(895_000);
  assert.notDeepEqual(await session.token({ fresh: false }), first);
});

test("a refresh that the server refuses signs out; one that does not reach it does not", async () => {
  const world = new World();
  const { session } = sessionOf(world);
  await session.login(credentials);
  world.hub.down = true;
  assert.equal((await rejected(session.token({ fresh: true }) as Promise<unknown>)).code, "network");
  assert.equal(session.user?.name, "Ada");
  world.hub.down = false;
  for (const id of Object.keys(world.hub.data.sessions)) world.hub.endSession(id);
  assert.equal(await session.token({ fresh: true }), null);
  assert.equal(session.user, null);
});

test("why one is nobody by now is told, until the next sign-in", async () => {
  for (const [status, code] of [
    [401, "unauthenticated"],
    [403, "forbidden"],
  ] as const) {
    const world = new World();
    let refused = false;
    const fetch: typeof globalThis.fetch = async (url, init) =>
      refused ? new Response(JSON.stringify({ code }), { status }) : world.fetch(url, init);
    const { session } = sessionOf(world, { fetch });
    await session.login(credentials);
    assert.equal(session.ended, undefined);
    refused = true;
    assert.equal(await session.token({ fresh: true }), null);
    assert.equal(session.ended, code);
    refused = false;
    await session.login(credentials);
    assert.equal(session.ended, undefined);
  }
});

test("refreshes of several tabs take their turn", async () => {
  const world = new World();
  const order: string[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const lock = <Result>(run: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(async () => {
      order.push("in");
      const result = await run();
      order.push("out");
      return result;
    });
    last = turn;
    return turn;
  };
  const { session, storage } = sessionOf(world, { lock });
  const other = sessionOf(world, { lock, storage }).session;
  await session.login(credentials);
  await Promise.all([session.token({ fresh: true }), other.token({ fresh: false })]);
  assert.deepEqual(order, ["in", "out", "in", "out"]);
});

test("signing out ends the session on the server and here", async () => {
  const world = new World();
  const { session, storage } = sessionOf(world);
  await session.login(credentials);
  await session.logout();
  assert.equal(session.user, null);
  assert.equal(await session.token({ fresh: true }), null);
  assert.deepEqual([...storage.held], []);
  assert.deepEqual(world.hub.data.tokens, {});
});

test("a sign-out overtakes a refresh that is under way", async () => {
  const world = new World();
  const { session } = sessionOf(world);
  await session.login(credentials);
  const token = session.token({ fresh: true });
  session.forget();
  await token;
  assert.equal(session.user, null);
});

test("signed out from elsewhere, the client stops; reauthenticated, it goes on as nobody", async () => {
  const world = new World();
  const { session } = sessionOf(world);
  await session.login(credentials);
  const client = world.client({ token: session.token });
  client.connect();
  await settle();
  assert.equal(client.user?.name, "Ada");
  for (const id of Object.keys(world.hub.data.sessions)) world.hub.endSession(id);
  await settle();
  assert.deepEqual([client.state.status, client.state.code], ["closed", 4403]);
  session.forget();
  await client.reauthenticate();
  await settle();
  assert.equal(client.state.status, "connected");
  assert.equal(client.user, null);
});

test("a REST call whose token was refused is made once more with a fresh one", async () => {
  const world = new World();
  const { session } = sessionOf(world);
  await session.login(credentials);
  world.hub.data.tokens = {};
  const rest = createRest({ baseUrl: "/api/v1", fetch: world.fetch, clock: world.clock, token: session.token });
  const post = await rest.createPost({ title: "Hello", body: "World" });
  assert.equal(post.title, "Hello");
});

test("a REST call that takes too long is `timeout`, a broken one `network`", async () => {
  const world = new World();
  const never = ((_: unknown, { signal }: RequestInit) =>
    new Promise((_done, fail) => signal!.addEventListener("abort", () => fail(new Error("aborted"))))) as typeof fetch;
  const slow = createRest({ baseUrl: "/api/v1", fetch: never, clock: world.clock });
  const failure = rejected(slow.posts());
  await world.clock.advance(15_000);
  assert.equal((await failure).code, "timeout");
  world.hub.down = true;
  const cut = createRest({ baseUrl: "/api/v1", fetch: world.fetch, clock: world.clock });
  assert.equal((await rejected(cut.posts())).code, "network");
});

test("Retry-After becomes milliseconds, and an answer that is no problem document still has a code", async () => {
  const world = new World();
  const answers = [
    new Response('{"code":"rate_limited","detail":"Slower."}', { status: 429, headers: { "Retry-After": "7" } }),
    new Response("<h1>Bad gateway</h1>", { status: 502 }),
  ];
  const rest = createRest({ baseUrl: "/api/v1", fetch: async () => answers.shift()!, clock: world.clock });
  const limited = (await rejected(rest.posts())) as ProblemError;
  assert.deepEqual([limited.code, limited.retryAfterMs, limited.message], ["rate_limited", 7_000, "Slower."]);
  assert.equal((await rejected(rest.posts())).code, "unavailable");
});
