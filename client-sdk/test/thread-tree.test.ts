import assert from "node:assert/strict";
import { test } from "node:test";
import { createRest, type Client, type Comment } from "../src/index.js";
import { openThread, type LiveThread, type LiveThreadOptions, type ThreadNode } from "../src/thread.js";
import { World, rejected, settle } from "./support/world.js";

async function opened(
  world: World,
  options: Partial<LiveThreadOptions> = {},
): Promise<{ thread: LiveThread; client: Client }> {
  const { token } = world.hub.signIn(world.ada);
  const client = options.client ?? (await world.connected());
  const rest = createRest({ fetch: world.fetch, clock: world.clock, token: async () => token });
  const { clock, post } = world;
  const thread = openThread({ rest, postId: post.id, clock, random: () => 0.5, replies: 2, ...options, client });
  await thread.load();
  await settle();
  return { thread, client };
}

/** The tree in short: `a(b 2 more 1 new)`. */
const tree = (nodes: ThreadNode[]): string =>
  nodes
    .map(({ comment, draft, fresh, more, replies }) => {
      const below = [tree(replies), more ? `${more} more` : "", fresh ? `${fresh} new` : ""].filter(Boolean).join(" ");
      return (comment?.body || (comment ? "-" : `(${draft!.body})`)) + (below && `(${below})`);
    })
    .join(" ");

const shown = ({ store: { view } }: LiveThread): string =>
  tree(view.roots) + (view.tail.length ? ` | ${tree(view.tail)}` : "") + (view.fresh ? ` +${view.fresh}` : "");

/** Bob writes, unless somebody else does. */
function talk(world: World) {
  const bob = world.hub.addUser("Bob");
  const say = (body: string, parent?: Comment, author: typeof bob = bob): Comment =>
    world.hub.addComment(author, world.post.id, body, parent?.id ?? null);
  return { bob, say };
}

test("roots come with their first replies, two levels deep; the rest is a number until it is asked for", async () => {
  const world = new World();
  const { say } = talk(world);
  const a = say("a");
  const [a1] = ["a1", "a2", "a3"].map((body) => say(body, a));
  const deep = say("a1x", a1);
  say("a1xy", deep);
  say("b");
  const { thread } = await opened(world);
  assert.equal(shown(thread), "a(a1(a1x(1 more)) a2 1 more) b");
  const loading = thread.loadReplies(a.id);
  assert.equal(thread.store.view.roots[0]!.loading, true);
  await loading;
  await thread.loadReplies(deep.id);
  assert.equal(shown(thread), "a(a1(a1x(a1xy)) a2 a3) b");
});

test("late replies wait where the branch is loaded to its end, and only count where it is not", async () => {
  const world = new World();
  const { say } = talk(world);
  const [a, b] = [say("a"), say("b")];
  for (const body of ["a1", "a2", "a3"]) say(body, a);
  say("b1", b);
  const { thread } = await opened(world);
  say("a4", a);
  say("b2", b);
  await settle();
  assert.equal(shown(thread), "a(a1 a2 2 more) b(b1 1 new)");
  thread.store.reveal(b.id);
  assert.equal(shown(thread), "a(a1 a2 2 more) b(b1 b2)");
});

test("one's own reply is there at once, in a branch that is not loaded to its end too", async () => {
  const world = new World();
  const { say } = talk(world);
  const a = say("a");
  for (const body of ["a1", "a2", "a3"]) say(body, a);
  const { thread } = await opened(world);
  thread.comment(world.ada, "mine", a.id);
  assert.equal(shown(thread), "a(a1 a2 (mine) 1 more)");
  const uid = thread.store.view.roots[0]!.replies[2]!.uid;
  await settle();
  assert.equal(shown(thread), "a(a1 a2 mine 1 more)");
  assert.equal(thread.store.view.roots[0]!.replies[2]!.uid, uid);
  await thread.loadReplies(a.id);
  assert.equal(shown(thread), "a(a1 a2 a3 mine)");
});

test("replies that do not come leave the number, say why, and can be asked for again", async () => {
  const world = new World();
  const { say } = talk(world);
  const a = say("a");
  for (const body of ["a1", "a2", "a3"]) say(body, a);
  const { thread } = await opened(world);
  world.hub.down = true;
  await thread.loadReplies(a.id);
  const [node] = thread.store.view.roots;
  assert.deepEqual([node!.error?.code, node!.loading, node!.more], ["network", false, 1]);
  world.hub.down = false;
  await thread.loadReplies(a.id);
  assert.equal(thread.store.view.roots[0]!.error, undefined);
  assert.equal(shown(thread), "a(a1 a2 a3)");
});

test("newest first: new roots wait at the top, one's own stand there at once", async () => {
  const world = new World();
  const { say } = talk(world);
  for (const body of ["a", "b", "c"]) say(body);
  const { thread } = await opened(world, { sort: "newest", pageSize: 2 });
  assert.equal(shown(thread), "c b");
  say("d");
  thread.comment(world.ada, "mine");
  assert.equal(shown(thread), "(mine) c b");
  await settle();
  assert.equal(shown(thread), "mine c b +1");
  thread.store.reveal(null);
  assert.equal(shown(thread), "mine d c b");
  await thread.loadMore();
  assert.equal(shown(thread), "mine d c b a");
});

test("by votes: nothing changes places while votes do", async () => {
  const world = new World();
  const { bob, say } = talk(world);
  const [a, b] = [say("a"), say("b"), say("c")];
  world.hub.react(bob, b.id, "👍", true);
  const { thread } = await opened(world, { sort: "top" });
  assert.equal(shown(thread), "b a c");
  for (const emoji of ["👍", "🎉"]) world.hub.react(bob, a!.id, emoji, true);
  say("d");
  await settle();
  assert.equal(shown(thread), "b a c +1");
  assert.deepEqual(thread.store.get(a!.id)!.reactions, { "👍": 1, "🎉": 1 });
  world.socket.send({ type: "resync", channel: world.channel, epoch: "epoch-1", seq: 9 });
  await settle();
  assert.equal(shown(thread), "b a c +1", "nor when all is read anew");
});

test("another order takes the place of what is shown when it is there, and not before", async () => {
  const world = new World();
  const { say } = talk(world);
  for (const body of ["a", "b", "c"]) say(body);
  const { thread } = await opened(world, { pageSize: 2 });
  const seen = new Set<string>();
  thread.on("change", () => seen.add(shown(thread)));
  const switching = thread.setSort("newest");
  assert.deepEqual([thread.sort, thread.store.sort], ["newest", "oldest"]);
  await switching;
  assert.deepEqual([...seen], ["a b", "c b"]);
  world.hub.down = true;
  await thread.setSort("top");
  assert.deepEqual([thread.sort, thread.error?.code, shown(thread)], ["newest", "network", "c b"]);
});

test("the last of several orders that were asked for is the one that is shown", async () => {
  const world = new World();
  const { say } = talk(world);
  for (const body of ["a", "b"]) say(body);
  const { thread } = await opened(world);
  await Promise.all([thread.setSort("newest"), thread.setSort("top"), thread.setSort("newest")]);
  assert.deepEqual([thread.sort, thread.store.sort, shown(thread)], ["newest", "newest", "b a"]);
});

test("a hole reads anew what is shown, branches too; rows stay the same, nothing flickers", async () => {
  const world = new World();
  const { bob, say } = talk(world);
  const a = say("a");
  const [a1] = ["a1", "a2", "a3"].map((body) => say(body, a));
  say("a1xy", say("a1x", a1));
  for (const body of ["b", "c"]) say(body);
  const { thread } = await opened(world, { pageSize: 2 });
  await thread.loadReplies(a.id);
  thread.comment(world.ada, "mine");
  await settle();
  assert.equal(shown(thread), "a(a1(a1x(1 more)) a2 a3) b | mine");
  const uids = (nodes: ThreadNode[]): string[] => nodes.flatMap(({ replies, uid }) => [uid, ...uids(replies)]);
  const before = uids([...thread.store.view.roots, ...thread.store.view.tail]);
  const seen = new Set<string>();
  thread.on("change", () => seen.add(shown(thread)));
  world.hub.tail = 0;
  world.hub.closeAll(1006);
  const a3 = world.hub.data.comments.find(({ body }) => body === "a3")!;
  world.hub.editComment(bob, a3.id, "a3, edited");
  say("a4", a);
  await world.clock.advance(2_000);
  assert.deepEqual([...seen], ["a(a1(a1x(1 more)) a2 a3, edited 1 new) b | mine"]);
  assert.deepEqual(uids([...thread.store.view.roots, ...thread.store.view.tail]), before);
});

test("a reaction shows at once, is settled by answer and event once, and taken back when it is refused", async () => {
  const world = new World();
  const { bob, say } = talk(world);
  const { id } = say("a");
  world.hub.react(bob, id, "👍", true);
  const { thread } = await opened(world);
  const of = () => [thread.store.get(id)!.reactions, thread.store.get(id)!.my_reactions];
  const reacting = thread.react(id, "👍");
  assert.deepEqual(of(), [{ "👍": 2 }, ["👍"]]);
  await reacting;
  await settle();
  assert.deepEqual(of(), [{ "👍": 2 }, ["👍"]]);
  await Promise.all([thread.react(id, "👍"), thread.react(id, "👍"), thread.react(id, "👍")]);
  assert.deepEqual(of(), [{ "👍": 1 }, []]);
  world.hub.intercept = (socket, { id: question, type }) => {
    if (type !== "comment.react") return false;
    socket.send({ type: "error", id: question, error: { code: "rate_limited" } });
    return true;
  };
  const refused = rejected(thread.react(id, "🎉", true));
  assert.deepEqual(of(), [{ "👍": 1, "🎉": 1 }, ["🎉"]]);
  assert.equal((await refused).code, "rate_limited");
  assert.deepEqual(of(), [{ "👍": 1 }, []]);
});

test("one's own reaction from another device is one's own here", async () => {
  const world = new World();
  const { say } = talk(world);
  const { id } = say("a");
  const { thread } = await opened(world);
  world.hub.react(world.ada, id, "👍", true);
  await settle();
  assert.deepEqual(thread.store.get(id)!.my_reactions, ["👍"]);
  world.hub.react(world.ada, id, "👍", false);
  await settle();
  assert.deepEqual(thread.store.get(id)!.my_reactions, []);
});

test("when so many react at once that nobody is named, one's own are asked for after a moment", async () => {
  const world = new World();
  const { say } = talk(world);
  const { id } = say("a");
  const { thread } = await opened(world);
  const crowd = Array.from({ length: 50 }, (_, n) => ({ user_id: 1_000 + n, emoji: "🎉", on: true }));
  world.hub.reactTogether(id, [...crowd, { user_id: world.ada.id, emoji: "👍", on: true }]);
  await settle();
  assert.deepEqual(thread.store.get(id)!.reactions, { "🎉": 50, "👍": 1 });
  assert.deepEqual(thread.store.get(id)!.my_reactions, []);
  const asked = () => world.fetch.calls.filter((call) => call.endsWith(`/comments/${id}`)).length;
  assert.equal(asked(), 0);
  await world.clock.advance(3_000);
  assert.deepEqual(thread.store.get(id)!.my_reactions, ["👍"]);
  assert.equal(asked(), 1);
  thread.close();
});

test("a reaction to what is not loaded is nothing, and is not lost while it is on its way", async () => {
  const world = new World();
  const { bob, say } = talk(world);
  const a = say("a");
  const b = say("b");
  const { thread } = await opened(world, { pageSize: 1 });
  world.hub.react(bob, b.id, "👍", true);
  await settle();
  assert.equal(shown(thread), "a");
  assert.equal(thread.store.get(b.id), undefined);
  thread.store.loadBegins();
  thread.store.apply({
    type: "event",
    channel: world.channel,
    at: "",
    seq: 9,
    kind: "comment.reacted",
    data: { comment_id: b.id, reactions: { "👍": 2 }, by: [{ user_id: world.ada.id, emoji: "👍", on: true }] },
  });
  await thread.loadMore();
  assert.deepEqual(thread.store.get(b.id)!.reactions, { "👍": 2 });
  assert.deepEqual(thread.store.get(b.id)!.my_reactions, ["👍"]);
  assert.ok(a);
});

test("who signs in on an open page sees their own reactions, and who takes over theirs", async () => {
  const world = new World();
  const { bob, say } = talk(world);
  const { id } = say("a");
  world.hub.react(world.ada, id, "👍", true);
  world.hub.react(bob, id, "🎉", true);
  let who: { id: number } | null = null;
  const token = async () => who && world.hub.signIn(who).token;
  const client = await world.connected({ token });
  const rest = createRest({ fetch: world.fetch, clock: world.clock, token });
  const { thread } = await opened(world, { client, rest });
  for (const [person, mine] of [
    [world.ada, ["👍"]],
    [bob, ["🎉"]],
  ] as const) {
    who = person;
    await client.reauthenticate();
    await settle();
    await world.clock.advance(10);
    assert.deepEqual(thread.store.get(id)!.my_reactions, mine);
  }
});
