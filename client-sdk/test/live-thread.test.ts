import assert from "node:assert/strict";
import { test } from "node:test";
import { createRest, type Client } from "../src/index.js";
import { openThread, type LiveThread, type LiveThreadOptions } from "../src/thread.js";
import { World, settle } from "./support/world.js";

async function opened(
  world: World,
  options: Partial<LiveThreadOptions> = {},
): Promise<{ thread: LiveThread; client: Client }> {
  const client = options.client ?? (await world.connected());
  const rest = createRest({ baseUrl: "/api/v1", fetch: world.fetch, clock: world.clock });
  const { clock } = world;
  const thread = openThread({ rest, postId: world.post.id, clock, random: () => 0.5, ...options, client });
  await thread.load();
  await settle();
  return { thread, client };
}

const bodies = ({ store }: LiveThread) =>
  [...store.view.roots, ...store.view.tail].map(({ comment, draft }) => comment?.body ?? `(${draft!.body})`);

test("it loads, then follows from exactly there", async () => {
  const world = new World();
  world.hub.addComment(world.ada, world.post.id, "one");
  const { thread } = await opened(world);
  assert.equal(thread.status, "ready");
  assert.equal(thread.store.commentCount, 1);
  world.hub.addComment(world.ada, world.post.id, "two");
  await settle();
  assert.deepEqual(bodies(thread), ["one", "two"]);
  assert.deepEqual(world.received("subscribe")[0]!.since, 1);
});

test("a comment written between the pages and the subscription is neither missed nor doubled", async () => {
  const world = new World();
  world.hub.intercept = (_, { type }) => {
    if (type === "subscribe") world.hub.addComment(world.ada, world.post.id, "in between");
    return false;
  };
  const { thread } = await opened(world);
  assert.deepEqual(bodies(thread), ["in between"]);
});

test("it loads more, page by page", async () => {
  const world = new World();
  for (let n = 1; n <= 5; n++) world.hub.addComment(world.ada, world.post.id, String(n));
  const { thread } = await opened(world, { pageSize: 2 });
  assert.deepEqual(bodies(thread), ["1", "2"]);
  await thread.loadMore();
  await thread.loadMore();
  assert.deepEqual(bodies(thread), ["1", "2", "3", "4", "5"]);
  assert.equal(thread.store.complete, true);
});

test("a load more that fails says so and can be asked for again", async () => {
  const world = new World();
  for (let n = 1; n <= 3; n++) world.hub.addComment(world.ada, world.post.id, String(n));
  const { thread } = await opened(world, { pageSize: 2 });
  world.hub.down = true;
  await thread.loadMore();
  assert.equal(thread.error?.code, "network");
  world.hub.down = false;
  await thread.loadMore();
  assert.equal(thread.error, undefined);
  assert.deepEqual(bodies(thread), ["1", "2", "3"]);
});

test("a hole is refetched as far as it was loaded, and nothing flickers meanwhile", async () => {
  const world = new World();
  for (let n = 1; n <= 5; n++) world.hub.addComment(world.ada, world.post.id, String(n));
  const { thread } = await opened(world, { pageSize: 2 });
  await thread.loadMore();
  const lengths = new Set<number>();
  thread.on("change", () => lengths.add(thread.store.view.roots.length));
  world.hub.data.epoch = "epoch-2";
  world.hub.editComment(world.ada, world.hub.data.comments[0]!.id, "1, edited");
  world.hub.closeAll(1006);
  await world.clock.advance(2_000);
  assert.deepEqual(bodies(thread), ["1, edited", "2", "3", "4"]);
  assert.deepEqual([...lengths], [4]);
});

test("a refetch that fails is made again until it works", async () => {
  const world = new World();
  const { thread } = await opened(world);
  const broken = world.fetch;
  world.socket.send({ type: "resync", channel: world.channel, epoch: "epoch-1", seq: 0 });
  world.hub.down = true;
  await settle();
  const calls = broken.calls.length;
  await world.clock.advance(7_000);
  assert.ok(broken.calls.length > calls + 1);
  world.hub.down = false;
  world.hub.data.logs[world.channel] = [];
  world.hub.addComment(world.ada, world.post.id, "there");
  await world.clock.advance(10_000);
  assert.deepEqual(bodies(thread), ["there"]);
});

test("a comment is shown at once, waits while the server is away, and is stored once", async () => {
  const world = new World();
  const { thread } = await opened(world);
  world.hub.down = true;
  world.hub.closeAll(1006);
  await settle();
  thread.comment(world.ada, "kept");
  assert.deepEqual(bodies(thread), ["(kept)"]);
  await world.clock.advance(10_000);
  world.hub.down = false;
  await world.clock.advance(30_000);
  assert.deepEqual(bodies(thread), ["kept"]);
  assert.equal(world.hub.data.comments.length, 1);
});

test("a comment that the server refuses keeps its text, and a retry keeps its key", async () => {
  const world = new World();
  const { thread } = await opened(world);
  const keys: unknown[] = [];
  let refusing = true;
  world.hub.intercept = (socket, message) => {
    if (message.type !== "comment.create") return false;
    keys.push(message.key);
    if (refusing)
      socket.send({ type: "error", id: message.id, error: { code: "rate_limited", retry_after_ms: 3_000 } });
    return refusing;
  };
  const key = thread.comment(world.ada, "again");
  await settle();
  assert.equal(thread.store.drafts[0]!.error!.retryAfterMs, 3_000);
  refusing = false;
  thread.retry(key);
  await settle();
  assert.deepEqual(bodies(thread), ["again"]);
  assert.deepEqual(keys, [key, key]);
});

test("a comment that timed out but was stored is settled by its event", async () => {
  const world = new World();
  const { thread } = await opened(world);
  world.hub.heartbeatMs = 1_000_000;
  world.hub.intercept = (_, { type }) => type === "comment.create";
  const key = thread.comment(world.ada, "slow");
  await world.clock.advance(10_000);
  assert.equal(thread.store.drafts[0]!.error!.code, "timeout");
  world.hub.addComment(world.ada, world.post.id, "slow", null, key);
  await settle();
  assert.deepEqual(bodies(thread), ["slow"]);
});

test("edits and deletions are told to the server and shown", async () => {
  const world = new World();
  const { id } = world.hub.addComment(world.ada, world.post.id, "typo");
  const { thread } = await opened(world);
  await thread.edit(id, "corrected");
  assert.deepEqual(bodies(thread), ["corrected"]);
  await thread.remove(id);
  assert.equal(thread.store.get(id)!.deleted, true);
  assert.equal(thread.store.commentCount, 0);
});

test("a post that does not exist, or no longer, is gone", async () => {
  const world = new World();
  const missing = await opened(world, { postId: 4711 });
  assert.equal(missing.thread.status, "gone");
  const { thread } = await opened(world, { client: missing.client });
  world.hub.broadcast({ type: "unsubscribed", channel: world.channel, error: { code: "not_found" } });
  await settle();
  assert.equal(thread.status, "gone");
});

test("a first load that fails is made again when the connection is there", async () => {
  const world = new World();
  world.hub.down = true;
  const client = world.client();
  client.connect();
  const { thread } = await opened(world, { client });
  assert.equal(thread.status, "failed");
  world.hub.down = false;
  await world.clock.advance(2_000);
  assert.equal(thread.status, "ready");
});

test("a thread that was closed leaves its room and changes no more", async () => {
  const world = new World();
  const { thread, client } = await opened(world);
  let changes = 0;
  thread.on("change", () => changes++);
  thread.close();
  await settle();
  world.hub.addComment(world.ada, world.post.id, "unheard");
  await settle();
  assert.equal(changes, 0);
  assert.equal(client.room(world.channel).state, "idle");
});
