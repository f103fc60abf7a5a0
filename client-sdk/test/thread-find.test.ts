import assert from "node:assert/strict";
import { test } from "node:test";
import { createRest } from "../src/index.js";
import { openThread, type LiveThread, type ThreadNode } from "../src/thread.js";
import { World, settle } from "./support/world.js";

const lines = (nodes: ThreadNode[], depth = 0): string[] =>
  nodes.flatMap(({ comment, replies }) => [" ".repeat(depth) + comment!.body, ...lines(replies, depth + 1)]);

const shown = ({ store }: LiveThread) => lines([...store.view.roots, ...store.view.tail]);

/** A thread of which a page shows little: roots 1 to 3, and a branch far below the last. */
async function opened() {
  const world = new World();
  const say = (body: string, parent: number | null = null) =>
    world.hub.addComment(world.ada, world.post.id, body, parent).id;
  for (const body of ["1", "2"]) say(body);
  const root = say("3");
  const reply = say("3.1", root);
  const deep = say("3.1.1", reply);
  const client = await world.connected();
  const rest = createRest({ baseUrl: "/api/v1", fetch: world.fetch, clock: world.clock });
  const thread = openThread({ client, rest, postId: world.post.id, pageSize: 1, replies: 0, clock: world.clock });
  await thread.load();
  await settle();
  return { world, thread, say, root, reply, deep };
}

test("a comment is found wherever it is, with those it hangs on", async () => {
  const { deep, thread } = await opened();
  assert.deepEqual(shown(thread), ["1"]);
  assert.equal(await thread.find(deep), true);
  assert.deepEqual(shown(thread), ["1", "3", " 3.1", "  3.1.1"]);
  await thread.loadMore();
  await thread.loadMore();
  assert.deepEqual(shown(thread), ["1", "2", "3", " 3.1", "  3.1.1"]);
});

test("what waits to be shown is shown when it is looked for", async () => {
  const { deep, say, thread, world } = await opened();
  await thread.find(deep);
  const bob = world.hub.addUser("Bob");
  const { id } = world.hub.addComment(bob, world.post.id, "3.1.2", say("3.1.1.1", deep));
  await settle();
  assert.equal(await thread.find(id), true);
  assert.ok(shown(thread).includes("    3.1.2"));
});

test("a comment of another post, or none, is not found; a server that is away is another thing", async () => {
  const { thread, world } = await opened();
  const other = world.hub.addComment(world.ada, world.hub.addPost(world.ada).id, "elsewhere");
  assert.equal(await thread.find(other.id), false);
  assert.equal(await thread.find(4711), false);
  assert.deepEqual(shown(thread), ["1"]);
  world.hub.down = true;
  await assert.rejects(thread.find(4712), { code: "network" });
});
