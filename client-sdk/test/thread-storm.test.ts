import assert from "node:assert/strict";
import { test } from "node:test";
import type { Comment, CommentSort } from "../src/index.js";
import { openThread, type LiveThread, type ThreadNode } from "../src/thread.js";
import { Storm } from "./support/storm.js";

const EMOJI = ["👍", "🎉", "😄"];

/** Somebody else, or oneself on another device, does something. */
function elsewhere(storm: Storm): void {
  const { ada, bob, chance, hub, post } = storm;
  const author = chance.oneIn(4) ? ada : bob;
  const comment = chance.pick(hub.data.comments.filter(({ deleted }) => !deleted));
  switch (chance.below(8)) {
    case 0:
      if (comment && comment.author!.id === author.id)
        hub.editComment(author, comment.id, `edited ${hub.data.lastId++}`);
      return;
    case 1:
      if (comment && comment.author!.id === author.id && chance.oneIn(3)) hub.deleteComment(author, comment.id);
      return;
    case 2:
    case 3:
      return void (comment && hub.react(author, comment.id, chance.pick(EMOJI)!, !chance.oneIn(3)));
    case 4: {
      // A crowd: so many that nobody is named.
      if (!comment) return;
      const crowd = Array.from({ length: 51 }, (_, n) => ({ user_id: 1_000 + n, emoji: "👀", on: chance.oneIn(2) }));
      return hub.reactTogether(comment.id, [
        ...crowd,
        { user_id: ada.id, emoji: chance.pick(EMOJI)!, on: chance.oneIn(2) },
      ]);
    }
    default: {
      const parent = chance.oneIn(3)
        ? null
        : (chance.pick(hub.data.comments.filter(({ deleted }) => !deleted)) ?? null);
      return void hub.addComment(author, post.id, `text ${hub.data.lastId}`, parent?.id ?? null);
    }
  }
}

function* walk(nodes: ThreadNode[]): Generator<ThreadNode> {
  for (const node of nodes) {
    yield node;
    yield* walk(node.replies);
  }
}

const nodesOf = ({ store }: LiveThread): ThreadNode[] => [...walk([...store.view.roots, ...store.view.tail])];

/** The reader does something. True when what is shown may move for it. */
function here(thread: LiveThread, storm: Storm, sorts: CommentSort[]): boolean {
  const { ada, chance } = storm;
  const node = chance.pick(nodesOf(thread).filter(({ comment }) => comment && !comment.deleted));
  switch (chance.below(9)) {
    case 0:
      void thread.loadMore();
      return true;
    case 1:
      void thread.setSort(chance.pick(sorts)!);
      return true;
    case 2:
    case 3:
      if (node) void thread.loadReplies(node.comment!.id);
      return true;
    case 4:
      thread.store.reveal(node && chance.oneIn(2) ? node.comment!.id : null);
      return true;
    case 5:
    case 6:
      if (node) void thread.react(node.comment!.id, chance.pick(EMOJI)!).catch(() => {});
      return false;
    case 7:
      for (const { error, key } of thread.store.drafts) if (error) thread.retry(key);
      return false;
    default:
      thread.comment(ada, "mine", node && chance.oneIn(2) ? node.comment!.id : null);
      return false;
  }
}

/** What others wrote, as it stands on screen. */
const others = (thread: LiveThread, me: number): number[] =>
  nodesOf(thread).flatMap(({ comment }) => (comment && comment.author && comment.author.id !== me ? [comment.id] : []));

const told = ({ my_reactions, replies: _, updated_seq: __, key: ___, ...rest }: Comment) => ({
  ...rest,
  my_reactions: [...(my_reactions ?? ["unknown"])].sort(),
});

async function loadAll(thread: LiveThread, storm: Storm): Promise<void> {
  for (let left = true, rounds = 0; left; await storm.calm()) {
    assert.ok(++rounds < 100, "what is left can be loaded");
    left = !thread.store.complete;
    void thread.loadMore();
    thread.store.reveal(null);
    for (const { comment, fresh, more } of nodesOf(thread)) {
      if (comment) thread.store.reveal(comment.id);
      if (more) void thread.loadReplies(comment!.id);
      left ||= fresh + more > 0;
    }
  }
}

function holds(thread: LiveThread, { ada, hub, post }: Storm, everything: boolean): void {
  const stored = new Map(hub.data.comments.map((comment) => [comment.id, told(hub.shown(comment, ada))]));
  const seen = nodesOf(thread).flatMap(({ comment }) => (comment ? [told(comment)] : []));
  const ids = seen.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, "nothing is doubled");
  for (const comment of seen) assert.deepEqual(comment, stored.get(comment.id));
  assert.equal(thread.store.commentCount, hub.post(post.id).comment_count);
  if (!everything) return;
  // By votes a root may be skipped while votes change; what is below a root that is there must be there.
  const there = hub.data.comments.filter(({ root_id }) => thread.sort !== "top" || ids.includes(root_id));
  assert.deepEqual(
    ids.sort((a, b) => a - b),
    there.map(({ id }) => id).sort((a, b) => a - b),
  );
}

const ways: { name: string; options: { replies?: number; sort?: CommentSort }; sorts: CommentSort[] }[] = [
  { name: "a flat thread", options: {}, sorts: ["oldest"] },
  { name: "a tree, oldest first", options: { replies: 2, sort: "oldest" }, sorts: ["oldest"] },
  { name: "a tree, newest first", options: { replies: 1, sort: "newest" }, sorts: ["newest"] },
  { name: "a tree by votes", options: { replies: 2, sort: "top" }, sorts: ["top"] },
  { name: "a tree whose order is switched", options: { replies: 2 }, sorts: ["oldest", "newest", "top"] },
];

for (const { name, options, sorts } of ways) {
  for (let seed = 1; seed <= 16; seed++) {
    test(`after any interleaving ${name} is what the server has, and nothing moved by itself: seed ${seed}`, async () => {
      const storm = new Storm(seed);
      const { ada, chance } = storm;
      for (let n = 0; n < 12; n++) elsewhere(storm);
      const { clock, me: client, post, rest } = storm;
      const thread = openThread({ client, rest, postId: post.id, pageSize: 3, clock, random: chance.next, ...options });
      void thread.load();
      let quiet = 0;
      let before = others(thread, ada.id);
      for (let step = 0; step < 250; step++) {
        const dice = chance.below(10);
        const restores = storm.restores;
        if (dice < 2) elsewhere(storm);
        else if (dice < 4) quiet = here(thread, storm, sorts) ? 0 : quiet;
        else await storm.weather();
        const now = others(thread, ada.id);
        // After the reader's own doing, or a restore, things may move for a while.
        if (restores !== storm.restores) quiet = -200;
        if (++quiet > 60) {
          const stays = (ids: number[], of: number[]) => ids.filter((id) => of.includes(id));
          assert.deepEqual(now, stays(now, before), "nothing appears by itself");
          assert.deepEqual(stays(before, now), now, "nothing changes places by itself");
        }
        before = now;
      }
      await storm.calm();
      holds(thread, storm, false);
      await loadAll(thread, storm);
      holds(thread, storm, true);
      thread.close();
    });
  }
}
