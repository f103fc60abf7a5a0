import assert from "node:assert/strict";
import { test } from "node:test";
import { Emitter } from "../src/emitter.js";
import { BelfryError } from "../src/index.js";
import { msgpackCodec } from "../src/msgpack.js";
import { World, rejected, settle } from "./support/world.js";

test("an anonymous client connects and knows that it is nobody", async () => {
  const world = new World();
  const client = world.client();
  client.connect();
  await settle();
  assert.deepEqual(world.states, ["connecting", "connected"]);
  assert.equal(client.user, null);
  assert.equal(world.received("connect")[0]!.token, undefined);
});

test("a signed-in client tells its token in `connect`, and nowhere else", async () => {
  const world = new World();
  const client = await world.connected();
  assert.equal(client.user?.name, "Ada");
  assert.match(String(world.received("connect")[0]!.token), /^access-/);
});

test("it speaks MessagePack when given that codec", async () => {
  const world = new World();
  const client = await world.connected({ codec: msgpackCodec });
  const comment = await client.createComment({ postId: world.post.id, body: "Grüße 👋" });
  assert.equal(comment.body, "Grüße 👋");
});

test("connect() a second time changes nothing", async () => {
  const world = new World();
  const client = await world.connected();
  client.connect();
  await settle();
  assert.equal(world.hub.sockets.size, 1);
});

test("close() rejects what waits and leaves neither socket nor timer", async () => {
  const world = new World();
  const client = await world.connected();
  world.hub.intercept = () => true;
  const failure = rejected(client.createComment({ postId: world.post.id, body: "never answered" }));
  await settle();
  client.close();
  assert.equal((await failure).code, "closed");
  assert.equal(client.state.status, "closed");
  assert.equal(world.hub.sockets.size, 0);
  assert.equal(world.clock.waiting, 0);
  assert.equal((await rejected(client.editComment(1, "late"))).code, "closed");
});

test("connect() after close() starts again", async () => {
  const world = new World();
  const client = await world.connected();
  client.close();
  client.connect();
  await settle();
  assert.equal(client.state.status, "connected");
});

test("an anonymous socket is signed in as it stands", async () => {
  const world = new World();
  let token: string | null = null;
  const client = world.client({ token: async () => token });
  client.connect();
  await settle();
  const { socket } = world;
  token = world.hub.signIn(world.ada).token;
  await client.reauthenticate();
  await settle();
  assert.equal(client.user?.name, "Ada");
  assert.equal(world.socket, socket);
});

test("somebody else signs in: a new socket, the same rooms", async () => {
  const world = new World();
  const bob = world.hub.addUser("Bob");
  let { token } = world.hub.signIn(world.ada);
  const client = await world.connected({ token: async () => token });
  client.room(world.channel).join();
  await settle();
  token = world.hub.signIn(bob).token;
  await client.reauthenticate();
  await settle();
  assert.equal(client.user?.name, "Bob");
  assert.deepEqual([...world.socket.channels], [world.channel]);
});

test("a token is renewed before it ends, on the same socket", async () => {
  const world = new World();
  const fresh: boolean[] = [];
  const client = world.client({
    token: async (ask) => {
      fresh.push(ask.fresh);
      return { token: world.hub.signIn(world.ada).token, expiresInMs: 100_000 };
    },
  });
  world.hub.heartbeatMs = 1_000_000;
  client.connect();
  await world.clock.advance(79_999);
  assert.equal(world.received("refresh").length, 0);
  await world.clock.advance(1);
  assert.deepEqual(fresh, [false, true]);
  assert.equal(world.received("refresh").length, 1);
  await world.clock.advance(80_000);
  assert.equal(world.received("refresh").length, 2);
  assert.deepEqual(world.states, ["connecting", "connected"]);
});

test("a token source that finds nobody closes the client for good", async () => {
  const world = new World();
  const client = world.client({
    token: async () => {
      throw new BelfryError("unauthenticated", "The session has ended.");
    },
  });
  client.connect();
  await settle();
  assert.equal(client.state.status, "closed");
  assert.equal(client.state.reason, "The session has ended.");
});

test("a token source that fails otherwise is asked again", async () => {
  const world = new World();
  let calls = 0;
  const client = world.client({
    token: async () => {
      if (++calls < 3) throw new TypeError("fetch failed");
      return null;
    },
  });
  client.connect();
  await world.clock.advance(10_000);
  assert.equal(calls, 3);
  assert.equal(client.state.status, "connected");
});

test("a listener that throws stops nobody else, and its error is not swallowed", (context) => {
  const later: (() => void)[] = [];
  context.mock.method(globalThis, "queueMicrotask", (run: () => void) => later.push(run));
  const emitter = new Emitter<{ bell: number }>();
  const heard: number[] = [];
  emitter.on("bell", () => {
    throw new Error("mine");
  });
  emitter.on("bell", (strokes) => heard.push(strokes));
  emitter.emit("bell", 3);
  assert.deepEqual(heard, [3]);
  assert.throws(() => later[0]!(), /mine/);
});
