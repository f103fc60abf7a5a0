import assert from "node:assert/strict";
import { test } from "node:test";
import { World, rejected, settle } from "./support/world.js";

test("a cut socket is replaced after a jittered wait", async () => {
  const world = new World();
  const client = await world.connected();
  world.hub.closeAll(1006);
  await settle();
  assert.equal(client.state.status, "waiting");
  assert.equal(client.state.retryAt, world.clock.now() + 500);
  await world.clock.advance(499);
  assert.equal(client.state.status, "waiting");
  await world.clock.advance(1);
  assert.equal(client.state.status, "connected");
});

test("the wait grows while the server stays away, and starts anew after a connection that held", async () => {
  const world = new World();
  const client = await world.connected();
  const wait = () => client.state.retryAt! - world.clock.now();
  world.hub.down = true;
  world.hub.closeAll(1006);
  await settle();
  const waits = [];
  for (let n = 0; n < 7; n++) {
    waits.push(wait());
    await world.clock.advance(wait());
  }
  assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  world.hub.down = false;
  await world.clock.advance(wait());
  await world.clock.advance(5_000);
  world.hub.closeAll(1006);
  await settle();
  assert.equal(wait(), 500);
});

test("a connection that dies young does not start the wait anew", async () => {
  const world = new World();
  const client = await world.connected();
  const waits = [];
  for (let n = 0; n < 3; n++) {
    world.hub.closeAll(4529);
    await settle();
    const wait = client.state.retryAt! - world.clock.now();
    waits.push(wait);
    await world.clock.advance(wait);
  }
  assert.deepEqual(waits, [4_000, 8_000, 15_000]);
});

test("it never returns sooner than a planned close asked", async () => {
  const world = new World();
  const client = await world.connected();
  world.hub.broadcast({ type: "going_away", reconnect_after_ms: 4_300 });
  await world.clock.advance(300);
  assert.equal(client.state.status, "connected");
  world.hub.closeAll(1012);
  await world.clock.advance(3_999);
  assert.equal(client.state.status, "waiting");
  await world.clock.advance(1);
  assert.equal(client.state.status, "connected");
});

test("what a planned close leaves unanswered is sent again with its key after the resume, and nothing fails", async () => {
  const world = new World();
  const client = await world.connected();
  const room = client.room(world.channel);
  room.join();
  await settle();
  const sent: unknown[] = [];
  world.hub.broadcast({ type: "going_away", reconnect_after_ms: 2_000 });
  // The socket serves on until its close.
  assert.equal((await client.createComment({ postId: world.post.id, body: "in time" })).body, "in time");
  world.hub.intercept = (_, message) => message.type === "comment.create" && (sent.push(message.key), true);
  const late = client.createComment({ postId: world.post.id, body: "too late" });
  await settle();
  world.hub.intercept = (_, message) => {
    sent.push(message.type === "comment.create" ? message.key : message.type);
    return false;
  };
  world.hub.closeAll(1012);
  await world.clock.advance(2_000);
  assert.equal((await late).body, "too late");
  assert.equal(room.state, "live");
  assert.deepEqual(sent, [sent[0], "connect", sent[0]]);
  assert.deepEqual(world.states, ["connecting", "connected", "waiting", "connecting", "connected"]);
});

test("servers that restart one after the other are no failures: the wait does not grow", async () => {
  const world = new World();
  const client = await world.connected();
  for (let n = 0; n < 3; n++) {
    world.hub.broadcast({ type: "going_away", reconnect_after_ms: 100 });
    world.hub.closeAll(1012);
    await settle();
    assert.equal(client.state.retryAt! - world.clock.now(), 500);
    await world.clock.advance(500);
    assert.equal(client.state.status, "connected");
  }
  // A server that is simply gone is one.
  world.hub.closeAll(1012);
  await settle();
  assert.equal(client.state.retryAt! - world.clock.now(), 1_000);
});

for (const code of [1000, 1002, 1007, 1009, 4400, 4403, 4404, 4499]) {
  test(`${code} closes it for good and rejects what waits`, async () => {
    const world = new World();
    const client = await world.connected();
    world.hub.intercept = () => true;
    const failure = rejected(client.createComment({ postId: world.post.id, body: "?" }));
    await settle();
    world.hub.closeAll(code);
    await world.clock.advance(120_000);
    assert.deepEqual([client.state.status, client.state.code], ["closed", code]);
    assert.equal((await failure).code, "closed");
    assert.equal(world.clock.waiting, 0);
  });
}

test("4401 asks for a fresh token and comes back", async () => {
  const world = new World();
  const fresh: boolean[] = [];
  const client = await world.connected({
    token: async (ask) => {
      fresh.push(ask.fresh);
      return world.hub.signIn(world.ada).token;
    },
  });
  world.hub.closeAll(4401);
  await world.clock.advance(1_000);
  assert.deepEqual(fresh, [false, true]);
  assert.equal(client.user?.name, "Ada");
});

test("a token that is refused is not tried again: the source is asked for a fresh one", async () => {
  const world = new World();
  const client = world.client({
    token: async ({ fresh }) => (fresh ? world.hub.signIn(world.ada).token : "out of date"),
  });
  client.connect();
  await settle();
  assert.deepEqual([client.state.status, client.state.code], ["waiting", 4401]);
  await world.clock.advance(1_000);
  assert.equal(client.user?.name, "Ada");
});

test("4409 stays away until the page is used", async () => {
  const world = new World();
  const client = await world.connected();
  world.hub.closeAll(4409);
  await world.clock.advance(600_000);
  assert.equal(client.state.status, "dormant");
  world.page("use");
  await settle();
  assert.equal(client.state.status, "connected");
});

test("a command is use enough to come back from 4409", async () => {
  const world = new World();
  const client = await world.connected();
  world.hub.closeAll(4409);
  await settle();
  const comment = await client.createComment({ postId: world.post.id, body: "I am back" });
  assert.equal(comment.body, "I am back");
});

test("who comes back to the page need not sit out a long wait, typing does not shorten it", async () => {
  const world = new World();
  const client = await world.connected();
  world.hub.down = true;
  world.hub.closeAll(1006);
  await world.clock.advance(20_000);
  world.hub.down = false;
  const { retryAt } = client.state;
  world.page("use");
  assert.equal(client.state.retryAt, retryAt);
  world.page("return");
  await world.clock.advance(500);
  assert.equal(client.state.status, "connected");
});

test("a socket that is silent for two heartbeats is replaced", async () => {
  const world = new World();
  const client = await world.connected();
  await world.clock.advance(39_000);
  world.hub.broadcast({ type: "heartbeat" });
  await world.clock.advance(39_999);
  assert.equal(client.state.status, "connected");
  await world.clock.advance(1);
  assert.equal(client.state.status, "waiting");
  await world.clock.advance(500);
  assert.equal(client.state.status, "connected");
});

test("a server that never welcomes is given up on", async () => {
  const world = new World();
  world.hub.intercept = () => true;
  const client = world.client();
  client.connect();
  await world.clock.advance(15_000);
  assert.equal(world.states.includes("waiting"), true);
  world.hub.intercept = null;
  await world.clock.advance(30_000);
  assert.equal(client.state.status, "connected");
});

test("a connect that the server cannot serve now is tried again on a new socket, no sooner than it asked", async () => {
  const world = new World();
  world.hub.intercept = (socket, { id }) => {
    socket.send({ type: "error", id, error: { code: "unavailable", retry_after_ms: 7_000 } });
    world.hub.intercept = null;
    return true;
  };
  const client = world.client();
  client.connect();
  await world.clock.advance(6_999);
  assert.equal(client.state.status, "waiting");
  await world.clock.advance(1);
  assert.equal(client.state.status, "connected");
});

test("unknown messages are passed on, malformed ones are not, and neither does harm", async () => {
  const world = new World();
  const client = await world.connected();
  const seen: string[] = [];
  client.on("message", ({ type }) => seen.push(type));
  world.hub.broadcast({ type: "weather.changed" });
  world.hub.broadcast({ type: "event", channel: 7 } as never);
  world.hub.broadcast([] as never);
  world.hub.broadcast({ type: "toString" });
  await settle();
  assert.deepEqual(seen, ["weather.changed", "toString"]);
  assert.equal(client.state.status, "connected");
});
