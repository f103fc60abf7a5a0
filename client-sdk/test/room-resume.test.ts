import assert from "node:assert/strict";
import { test } from "node:test";
import type { Room } from "../src/index.js";
import { World, settle } from "./support/world.js";

/** Everything a room tells, as short words. */
function listen(room: Room): string[] {
  const told: string[] = [];
  room.on("event", ({ seq, kind }) => told.push(`${seq} ${kind}`));
  room.on("refetch", ({ seq }) => told.push(`refetch at ${seq}`));
  room.on("live", ({ seq }) => told.push(`live at ${seq}`));
  room.on("ended", ({ code }) => told.push(`ended: ${code}`));
  room.on("message", ({ type }) => told.push(type));
  return told;
}

test("a room without a position starts at the head", async () => {
  const world = new World();
  world.hub.addComment(world.ada, world.post.id, "before");
  const client = await world.connected();
  const room = client.room(world.channel);
  const told = listen(room);
  room.join();
  await settle();
  world.hub.addComment(world.ada, world.post.id, "after");
  await settle();
  assert.deepEqual(told, ["live at 1", "2 comment.created"]);
  assert.deepEqual(room.position, { epoch: "epoch-1", seq: 2 });
});

test("a room with the position of a snapshot gets what came after it first", async () => {
  const world = new World();
  for (const body of ["a", "b", "c"]) world.hub.addComment(world.ada, world.post.id, body);
  const client = await world.connected();
  const room = client.room(world.channel);
  const told = listen(room);
  room.join({ epoch: "epoch-1", seq: 1 });
  await settle();
  assert.deepEqual(told, ["2 comment.created", "3 comment.created", "live at 3"]);
});

test("rooms are resumed in `connect`, each from where it stood", async () => {
  const world = new World();
  const other = world.hub.addPost(world.ada);
  const client = await world.connected();
  client.room(world.channel).join();
  client.room(`post:${other.id}`).join();
  await settle();
  world.hub.addComment(world.ada, world.post.id, "seen");
  await settle();
  const told = listen(client.room(world.channel));
  world.hub.closeAll(1006);
  world.hub.addComment(world.ada, world.post.id, "missed");
  await world.clock.advance(1_000);
  assert.deepEqual(world.received("connect")[0]!.subscriptions, [
    { channel: world.channel, epoch: "epoch-1", since: 1 },
    { channel: `post:${other.id}`, epoch: "epoch-1", since: 0 },
  ]);
  assert.deepEqual(world.received("subscribe"), []);
  assert.deepEqual(told, ["2 comment.created", "live at 2"]);
});

test("what cannot be resumed tells its owner to refetch, and goes on from there", async () => {
  const world = new World();
  const client = await world.connected();
  const room = client.room(world.channel);
  room.join();
  await settle();
  const told = listen(room);
  world.hub.closeAll(1006);
  world.hub.data.epoch = "epoch-2";
  world.hub.addComment(world.ada, world.post.id, "missed");
  await world.clock.advance(1_000);
  world.hub.addComment(world.ada, world.post.id, "live again");
  await settle();
  assert.deepEqual(told, ["refetch at 1", "live at 1", "2 comment.created"]);
  assert.equal(room.position?.epoch, "epoch-2");
});

test("events that were seen are dropped", async () => {
  const world = new World();
  const client = await world.connected();
  const room = client.room(world.channel);
  room.join();
  await settle();
  const told = listen(room);
  const event = world.hub.append(world.channel, "custom.bell", {});
  world.socket.send(event);
  await settle();
  assert.deepEqual(told, ["1 custom.bell"]);
});

test("a hole is filled by a new subscription, in order", async () => {
  const world = new World();
  const client = await world.connected();
  const room = client.room(world.channel);
  room.join();
  await settle();
  const told = listen(room);
  const { socket } = world;
  socket.channels.clear();
  world.hub.append(world.channel, "custom.lost", {});
  socket.channels.add(world.channel);
  world.hub.append(world.channel, "custom.early", {});
  await settle();
  world.hub.append(world.channel, "custom.next", {});
  await settle();
  assert.deepEqual(told, ["1 custom.lost", "2 custom.early", "live at 2", "3 custom.next"]);
  assert.deepEqual(
    socket.received.map(({ type }) => type),
    ["connect", "subscribe", "unsubscribe", "subscribe"],
  );
});

test("a `resync` tells its owner to refetch and moves the cursor", async () => {
  const world = new World();
  const client = await world.connected();
  const room = client.room(world.channel);
  room.join();
  await settle();
  const told = listen(room);
  world.socket.send({ type: "resync", channel: world.channel, epoch: "epoch-1", seq: 90 });
  world.socket.send({ type: "event", channel: world.channel, seq: 91, kind: "void", at: "", data: {} });
  await settle();
  assert.deepEqual(told, ["refetch at 90", "91 void"]);
});

test("whole by its own word, but short of its position: the owner refetches", async () => {
  const world = new World();
  const client = await world.connected();
  const room = client.room(world.channel);
  room.join();
  await settle();
  const told = listen(room);
  world.hub.intercept = (socket, { id, type }) => {
    if (type !== "connect") return false;
    socket.send({
      type: "welcome",
      id,
      user: null,
      heartbeat_ms: 20_000,
      expires_at: null,
      subscriptions: [{ channel: world.channel, epoch: "epoch-1", seq: 5, head: 5, recovered: true, events: [] }],
    } as never);
    return true;
  };
  world.hub.closeAll(1006);
  await world.clock.advance(1_000);
  assert.deepEqual(told, ["refetch at 5", "live at 5"]);
});

test("a room that the server ends says why and is not resumed", async () => {
  const world = new World();
  const client = await world.connected();
  const room = client.room(world.channel);
  room.join();
  await settle();
  const told = listen(room);
  world.socket.send({ type: "unsubscribed", channel: world.channel, error: { code: "not_found", detail: "Deleted." } });
  await settle();
  assert.deepEqual(told, ["ended: not_found"]);
  assert.equal(room.state, "ended");
  world.hub.closeAll(1006);
  await world.clock.advance(1_000);
  assert.equal(world.received("connect")[0]!.subscriptions, undefined);
});

test("a channel that does not exist ends the room, in `connect` as in `subscribe`", async () => {
  const world = new World();
  const client = world.client();
  const [early, late] = [client.room("post:777"), client.room("post:778")];
  const told = [listen(early), listen(late)];
  early.join();
  client.connect();
  await settle();
  late.join();
  await settle();
  assert.deepEqual(told, [["ended: not_found"], ["ended: not_found"]]);
  assert.equal(client.state.status, "connected");
});

test("a subscription that is refused for now is asked for again", async () => {
  const world = new World();
  const client = await world.connected();
  let refusals = 2;
  world.hub.intercept = (socket, { id, type }) => {
    if (type !== "subscribe" || !refusals--) return false;
    socket.send({ type: "error", id, error: { code: "rate_limited", retry_after_ms: 500 } });
    return true;
  };
  const room = client.room(world.channel);
  room.join();
  await world.clock.advance(1_500);
  assert.equal(room.state, "joining");
  await world.clock.advance(1_500);
  assert.equal(room.state, "live");
});

test("a room joined between `connect` and `welcome` is subscribed on the same socket", async () => {
  const world = new World();
  const client = world.client();
  const room = client.room(world.channel);
  world.hub.intercept = (_, { type }) => {
    if (type === "connect") room.join();
    return false;
  };
  client.connect();
  await settle();
  assert.equal(room.state, "live");
});

test("a room that was left hears nothing and can be joined again", async () => {
  const world = new World();
  const client = await world.connected();
  const room = client.room(world.channel);
  room.join();
  await settle();
  const told = listen(room);
  room.leave();
  await settle();
  world.hub.append(world.channel, "custom.bell", {});
  await settle();
  assert.deepEqual(told, []);
  room.join();
  await settle();
  world.hub.append(world.channel, "custom.bell", {});
  await settle();
  assert.deepEqual(told, ["live at 1", "2 custom.bell"]);
});

test("`me` is answered and told under its real name", async () => {
  const world = new World();
  const client = await world.connected();
  const room = client.room("me");
  const told = listen(room);
  room.join();
  await settle();
  world.hub.append(`user:${world.ada.id}`, "notification.created", {});
  await settle();
  assert.deepEqual(told, ["live at 0", "1 notification.created"]);
});

test("messages of a type that is not known reach the room as they are", async () => {
  const world = new World();
  const client = await world.connected();
  const room = client.room(world.channel);
  room.join();
  await settle();
  const told = listen(room);
  world.socket.send({ type: "weather", channel: world.channel } as never);
  await settle();
  assert.deepEqual(told, ["weather"]);
});

test("kinds are events of their own", async () => {
  const world = new World();
  const client = await world.connected();
  const room = client.room(world.channel);
  const bodies: string[] = [];
  room.on("comment.created", ({ data }) => bodies.push(data.comment.body));
  room.on("custom.bell", ({ seq }) => bodies.push(`bell ${seq}`));
  room.join();
  await settle();
  world.hub.addComment(world.ada, world.post.id, "hello");
  world.hub.append(world.channel, "custom.bell", {});
  await settle();
  assert.deepEqual(bodies, ["hello", "bell 2"]);
});
