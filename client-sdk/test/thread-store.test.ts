import assert from "node:assert/strict";
import { test } from "node:test";
import { BelfryError, type Comment, type Person } from "../src/index.js";
import { ThreadStore, type ThreadNode } from "../src/thread.js";

const person = (id: number): Person => ({ id, name: `Person ${id}`, handle: `p${id}`, avatar_url: null });
const me = person(1);
const them = person(2);

/** A comment whose creation is event number `id`, unless told otherwise. */
const comment = (id: number, fields: Partial<Comment> = {}): Comment => ({
  id,
  post_id: 7,
  parent_id: null,
  root_id: id,
  depth: 0,
  author: them,
  body: `text ${id}`,
  html: `<p>text ${id}</p>`,
  created_at: "2026-01-01T00:00:00.000Z",
  edited_at: null,
  deleted: false,
  reactions: {},
  reply_count: 0,
  key: null,
  seq: id,
  updated_seq: id,
  ...fields,
});

const page = (items: Comment[], { seq = 10, next = null as string | null, epoch = "e" } = {}) => ({
  items,
  seq,
  epoch,
  next_cursor: next,
});

const event = (seq: number, kind: string, subject: Comment, more: object = {}) => ({
  type: "event" as const,
  channel: "post:7",
  at: "",
  seq,
  kind,
  data: { comment: subject, ...more },
});

const created = (subject: Comment, more: object = {}) => event(subject.seq, "comment.created", subject, more);

/** The tree in short: `1(2 3(4))`, drafts by key, `+n` for what is hidden. */
const tree = (nodes: ThreadNode[]): string =>
  nodes
    .map(({ comment, draft, fresh, replies }) => {
      const name = comment ? String(comment.id) : draft!.key;
      return name + (fresh ? `+${fresh}` : "") + (replies.length ? `(${tree(replies)})` : "");
    })
    .join(" ");

const shown = ({ view }: ThreadStore): string =>
  tree(view.roots) + (view.fresh ? ` +${view.fresh}` : "") + (view.tail.length ? ` | ${tree(view.tail)}` : "");

function loaded(items: Comment[], options?: Parameters<typeof page>[1]): ThreadStore {
  const store = new ThreadStore();
  store.setUser(me.id);
  store.loadBegins();
  store.addPage(page(items, options));
  return store;
}

const draft = (key: string, parentId: number | null = null) => ({
  key,
  body: `draft ${key}`,
  parentId,
  author: me,
  createdAt: "",
});

test("pages make a tree of any depth, oldest first", () => {
  const store = loaded([
    comment(1),
    comment(2, { parent_id: 1 }),
    comment(3),
    comment(4, { parent_id: 2 }),
    comment(5, { parent_id: 1 }),
  ]);
  assert.equal(shown(store), "1(2(4) 5) 3");
});

test("a tree thousands of replies deep is built without recursion", () => {
  const chain = Array.from({ length: 20_000 }, (_, n) => comment(n + 1, { parent_id: n || null }));
  const store = loaded(chain);
  let depth = 0;
  for (let node = store.view.roots[0]; node; node = node.replies[0]) depth++;
  assert.equal(depth, 20_000);
});

test("what somebody else writes waits until it is asked for", () => {
  const store = loaded([comment(1)]);
  store.apply(created(comment(11)));
  store.apply(created(comment(12, { parent_id: 1 })));
  store.apply(created(comment(13, { parent_id: 12 })));
  assert.equal(shown(store), "1+2 +1");
  store.reveal(1);
  assert.equal(shown(store), "1(12(13)) +1");
  store.reveal(null);
  assert.equal(shown(store), "1(12(13)) 11");
});

test("what one writes oneself, on this device or another, is shown at once", () => {
  const store = loaded([comment(1)]);
  store.apply(created(comment(11, { author: me, parent_id: 1 })));
  assert.equal(shown(store), "1(11)");
});

test("of two versions the higher updated_seq stays, whatever the order", () => {
  const store = loaded([comment(1, { body: "v12", updated_seq: 12 })]);
  store.apply(event(11, "comment.updated", comment(1, { body: "v11", updated_seq: 11 })));
  assert.equal(store.get(1)!.body, "v12");
  store.apply(event(13, "comment.updated", comment(1, { body: "v13", updated_seq: 13 })));
  store.put(comment(1, { body: "v12", updated_seq: 12 }));
  assert.equal(store.get(1)!.body, "v13");
});

test("an event does not take away `my_reactions`, which it never brings", () => {
  const reactions = { "👍": 2 };
  const store = loaded([comment(1, { reactions, my_reactions: ["👍"] })]);
  store.apply(event(11, "comment.updated", comment(1, { reactions, updated_seq: 11 })));
  assert.deepEqual(store.get(1)!.my_reactions, ["👍"]);
});

test("counts are taken over with their event, never added up", () => {
  const store = loaded([comment(1)]);
  const reply = (id: number, count: number) =>
    created(comment(id, { parent_id: 1 }), { comment_count: count + 1, parent: { id: 1, reply_count: count } });
  store.apply(reply(12, 2));
  store.apply(reply(11, 1));
  store.apply(reply(12, 2));
  assert.equal(store.get(1)!.reply_count, 2);
  assert.equal(store.commentCount, 3);
});

test("an old page does not take counts back", () => {
  const store = loaded([comment(1)], { seq: 10 });
  store.apply(created(comment(11, { parent_id: 1 }), { comment_count: 2, parent: { id: 1, reply_count: 1 } }));
  store.loadBegins();
  store.replace({ page: page([comment(1)], { seq: 10 }) });
  assert.equal(store.get(1)!.reply_count, 1);
});

test("a deleted comment keeps its place and its branch", () => {
  const store = loaded([comment(1), comment(2, { parent_id: 1 })]);
  store.apply(event(11, "comment.deleted", comment(1, { deleted: true, author: null, body: "", updated_seq: 11 })));
  assert.equal(shown(store), "1(2)");
  assert.equal(store.get(1)!.deleted, true);
});

test("a comment that is deleted before it was seen is not announced", () => {
  const store = loaded([comment(1)]);
  store.apply(created(comment(11)));
  store.apply(event(12, "comment.deleted", comment(11, { deleted: true, author: null, updated_seq: 12 })));
  assert.equal(store.view.fresh, 0);
});

test("while more pages are to come, new roots belong to them; replies to what is loaded have their place", () => {
  const store = loaded([comment(1), comment(2)], { next: "2" });
  store.apply(created(comment(11)));
  store.apply(created(comment(12, { parent_id: 1 })));
  store.apply(created(comment(13, { parent_id: 11 })));
  assert.equal(shown(store), "1+1 2");
  store.loadBegins();
  store.addPage(
    page([comment(3), comment(11), comment(12, { parent_id: 1 }), comment(13, { parent_id: 11 })], { seq: 13 }),
  );
  assert.equal(shown(store), "1+1 2 3 11(13)");
});

test("one's own comment beyond the loaded pages stands after them", () => {
  const store = loaded([comment(1)], { next: "1" });
  store.apply(created(comment(11, { author: me })));
  assert.equal(shown(store), "1 | 11");
  store.loadBegins();
  store.addPage(page([comment(2), comment(11, { author: me })], { seq: 11 }));
  assert.equal(shown(store), "1 2 11");
});

test("events for what a page on its way may hold are held until it is there", () => {
  const store = new ThreadStore();
  store.loadBegins();
  store.apply(event(12, "comment.updated", comment(1, { body: "edited", updated_seq: 12 })));
  store.addPage(page([comment(1)], { seq: 11 }));
  assert.equal(store.get(1)!.body, "edited");
});

test("what is held is let go with the last page on its way", () => {
  const store = new ThreadStore();
  store.loadBegins();
  store.apply(event(12, "comment.updated", comment(5, { body: "edited", updated_seq: 12 })));
  store.loadFailed();
  store.loadBegins();
  store.addPage(page([comment(5, { body: "edited again", updated_seq: 14 })], { seq: 14 }));
  assert.equal(store.get(5)!.body, "edited again");
  assert.equal(shown(store), "5");
});

test("a draft is shown at once and settled by the reply, keeping its place in keyed lists", () => {
  const store = loaded([comment(1)]);
  store.addDraft(draft("k1"));
  assert.equal(shown(store), "1 | k1");
  assert.equal(store.view.tail[0]!.uid, "k1");
  store.settle(comment(11, { author: me, key: "k1" }));
  assert.equal(shown(store), "1 11");
  assert.equal(store.view.roots[1]!.uid, "k1");
});

test("a draft is settled by the event as well, and by both only once", () => {
  const store = loaded([comment(1)]);
  store.addDraft(draft("k1", 1));
  const stored = comment(11, { author: me, key: "k1", parent_id: 1 });
  store.apply(created(stored));
  store.settle(stored);
  assert.equal(shown(store), "1(11)");
  assert.deepEqual(store.drafts, []);
});

test("somebody else's comment with the same key settles nothing", () => {
  const store = loaded([comment(1)]);
  store.addDraft(draft("k1"));
  store.apply(created(comment(11, { author: them, key: "k1" })));
  assert.equal(shown(store), "1 +1 | k1");
});

test("a draft that a moderator deleted before its answer came is settled too", () => {
  const store = loaded([comment(1)]);
  store.addDraft(draft("k1"));
  store.apply(created(comment(11, { author: null, deleted: true, key: "k1" })));
  assert.equal(shown(store), "1 11");
});

test("a draft kept from before that is stored already is not shown twice", () => {
  const store = loaded([comment(1, { author: me, key: "k1" })]);
  store.addDraft(draft("k1"));
  assert.equal(shown(store), "1");
});

test("a failed draft keeps its text and can be sent again or taken off", () => {
  const store = loaded([]);
  store.addDraft(draft("k1"));
  store.setDraftError("k1", new BelfryError("rate_limited", "", 5_000));
  assert.equal(store.view.tail[0]!.draft!.error!.code, "rate_limited");
  assert.equal(store.view.tail[0]!.draft!.body, "draft k1");
  store.setDraftError("k1", undefined);
  assert.equal(store.view.tail[0]!.draft!.error, undefined);
  store.discardDraft("k1");
  assert.equal(shown(store), "");
});

test("a refetch keeps what is shown, updates it, and announces what is new", () => {
  const store = loaded([comment(1), comment(2)]);
  store.addDraft(draft("k1"));
  const before = store.view.roots.map(({ uid }) => uid);
  store.loadBegins();
  assert.equal(shown(store), "1 2 | k1");
  store.replace({
    page: page(
      [comment(1, { body: "edited", updated_seq: 40 }), comment(2), comment(30), comment(31, { author: me })],
      {
        seq: 40,
      },
    ),
  });
  assert.equal(shown(store), "1 2 31 +1 | k1");
  assert.deepEqual(store.view.roots.map(({ uid }) => uid).slice(0, 2), before);
  assert.equal(store.get(1)!.body, "edited");
});

test("a refetch does not undo an event that overtook it", () => {
  const store = loaded([comment(1)]);
  store.loadBegins();
  store.apply(event(21, "comment.updated", comment(1, { body: "newest", updated_seq: 21 })));
  store.apply(created(comment(22, { author: me })));
  store.replace({ page: page([comment(1)], { seq: 20 }) });
  assert.equal(store.get(1)!.body, "newest");
  assert.equal(shown(store), "1 22");
});

test("after a change of epoch the refetch is right, whatever its numbers", () => {
  const store = loaded([comment(1, { body: "lost edit", updated_seq: 90 }), comment(2)], { seq: 95 });
  store.hole({ epoch: "other", seq: 5 });
  store.loadBegins();
  store.replace({ page: page([comment(1, { body: "restored", updated_seq: 1 })], { seq: 5, epoch: "other" }) });
  assert.equal(store.get(1)!.body, "restored");
  assert.equal(shown(store), "1");
  store.setCommentCount(1, 5);
  assert.equal(store.commentCount, 1);
});

test("the view is the same object until something changes", () => {
  const store = loaded([comment(1)]);
  const { view } = store;
  assert.equal(store.view, view);
  let changes = 0;
  const off = store.onChange(() => changes++);
  store.apply(created(comment(11)));
  assert.notEqual(store.view, view);
  off();
  store.apply(created(comment(12)));
  assert.equal(changes, 1);
});

test("kinds that are not about comments change nothing", () => {
  const store = loaded([comment(1)]);
  const { view } = store;
  store.apply({ type: "event", channel: "post:7", at: "", seq: 11, kind: "void", data: {} });
  assert.equal(store.view, view);
});

test("a count that a page on its way does not know of yet is held for its comment", () => {
  const store = new ThreadStore();
  store.loadBegins();
  store.apply(created(comment(12, { parent_id: 1 }), { comment_count: 2, parent: { id: 1, reply_count: 1 } }));
  store.addPage(page([comment(1)], { seq: 11 }));
  assert.equal(store.get(1)!.reply_count, 1);
});

test("what hangs on a root that another order does not show goes with it, however new it is", () => {
  const store = new ThreadStore({ tree: true });
  store.setUser(me.id);
  store.loadBegins();
  store.addPage(page([comment(1), comment(2)], { next: "2" }));
  store.apply(created(comment(12, { parent_id: 1, author: me }), { parent: { id: 1, reply_count: 1 } }));
  assert.equal(shown(store), "1(12) 2");
  store.loadBegins();
  store.restart(page([comment(2)], { seq: 11, next: "2" }), "newest");
  assert.equal(shown(store), "2");
});
