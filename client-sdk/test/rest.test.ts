import assert from "node:assert/strict";
import { test } from "node:test";
import { createRest, type Rest } from "../src/index.js";
import { rejected, World } from "./support/world.js";

/** What was asked, and by whom. */
function signedIn(world: World, who: { id: number } = world.ada): { rest: Rest; calls: string[] } {
  const { token } = world.hub.signIn(who);
  const { calls } = world.fetch;
  return { calls, rest: createRest({ fetch: world.fetch, clock: world.clock, token: async () => token }) };
}

test("an emoji of any length is one part of the path", async () => {
  const world = new World();
  const { calls, rest } = signedIn(world);
  const { id } = world.hub.addComment(world.ada, world.post.id, "wave");
  const put = await rest.react(id, "🏳️‍🌈", true);
  assert.deepEqual([put.reactions, put.my_reactions, put.seq], [{ "🏳️‍🌈": 1 }, ["🏳️‍🌈"], 2]);
  assert.deepEqual((await rest.react(id, "🏳️‍🌈", false)).my_reactions, []);
  const path = `/api/v1/comments/${id}/reactions/%F0%9F%8F%B3%EF%B8%8F%E2%80%8D%F0%9F%8C%88`;
  assert.deepEqual(calls, [`PUT ${path}`, `DELETE ${path}`]);
});

test("posts are found by words and tags, changed, and counted by the pages that they stand for", async () => {
  const world = new World();
  const { rest } = signedIn(world);
  const post = await rest.createPost({ title: "Bells & towers", body: "ring", tags: ["news"] });
  assert.deepEqual(
    (await rest.posts({ q: "RING bells" })).items.map(({ id }) => id),
    [post.id],
  );
  assert.deepEqual((await rest.posts({ tag: "news", q: "none" })).items, []);
  assert.deepEqual((await rest.updatePost(post.id, { tags: ["old"] })).tags, ["old"]);
  assert.deepEqual((await rest.posts({ tag: "news" })).items, []);
  const page = await rest.postByKey({ page_key: "/about us", url: "https://example.org/about" });
  assert.equal((await rest.postByKey({ page_key: "/about us" })).id, page.id);
  assert.equal(page.author, null);
  world.hub.addComment(world.ada, page.id, "nice page");
  const counted = [{ id: page.id, page_key: "/about us", comment_count: 1 }];
  assert.deepEqual((await rest.pageCounts(["/about us", "/none"])).items, counted);
});

test("the people of a post are its author and those who commented", async () => {
  const world = new World();
  const { rest } = signedIn(world);
  const bob = world.hub.addUser("Bob");
  world.hub.addUser("Eve");
  world.hub.addComment(bob, world.post.id, "hello");
  const names = async (q?: string) => (await rest.people(world.post.id, { q })).items.map(({ name }) => name);
  assert.deepEqual(await names(), ["Ada", "Bob"]);
  assert.deepEqual(await names("BO"), ["Bob"]);
});

test("comments come with their first replies, and say where to go on", async () => {
  const world = new World();
  const { rest } = signedIn(world);
  const root = world.hub.addComment(world.ada, world.post.id, "root");
  for (const body of ["a", "b", "c"]) world.hub.addComment(world.ada, world.post.id, body, root.id);
  const { items } = await rest.comments(world.post.id, { parentId: 0, replies: 2, sort: "top" });
  assert.deepEqual(
    items[0]!.replies!.items.map(({ body }) => body),
    ["a", "b"],
  );
  const cursor = items[0]!.replies!.next_cursor;
  const rest_ = await rest.comments(world.post.id, { parentId: root.id, sort: "oldest", cursor });
  assert.deepEqual([rest_.items.map(({ body }) => body), rest_.next_cursor], [["c"], null]);
});

test("notifications are listed, read and dismissed", async () => {
  const world = new World();
  const { rest } = signedIn(world);
  for (const n of [1, 2, 3]) world.hub.notify(world.ada.id, `host:${n}`, { kind: "build", title: `Build ${n}` });
  const first = await rest.notifications({ limit: 2 });
  assert.deepEqual([first.items.map(({ title }) => title), first.unread, first.seq], [["Build 3", "Build 2"], 3, 3]);
  assert.deepEqual(await rest.readNotifications([first.items[0]!.id]), { unread: 2, seq: 4 });
  assert.equal((await rest.notifications({ unread: true })).items.length, 2);
  await rest.dismissNotification(first.items[1]!.id);
  assert.deepEqual(await rest.readNotifications("all"), { unread: 0, seq: 6 });
});

test("moderators ban and let in again, others may not", async () => {
  const world = new World();
  const eve = world.hub.addUser("Eve");
  assert.equal((await rejected(signedIn(world, eve).rest.ban(world.ada.id))).code, "forbidden");
  world.ada.role = "moderator";
  const { rest } = signedIn(world);
  await rest.ban(eve.id, { reason: "noise" });
  assert.deepEqual(
    (await rest.bans()).items.map(({ reason, user }) => [user.name, reason]),
    [["Eve", "noise"]],
  );
  await rest.unban(eve.id);
  assert.deepEqual((await rest.bans()).items, []);
});
