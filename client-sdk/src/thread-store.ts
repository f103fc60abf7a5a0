import type { BelfryError } from "./errors.js";
import type { Comment, Person, Position, Reactions } from "./model.js";
import type { ChannelEvent, EventData } from "./protocol.js";
import type { CommentSort } from "./rest.js";
import {
  idsOf,
  isSame,
  mergeEntry,
  trimmed,
  waiting,
  withoutVersions,
  type CommentPage,
  type Draft,
  type Entry,
  type Reread,
  type ThreadStoreOptions,
} from "./thread-entry.js";
import { Held } from "./thread-held.js";
import { Places, type Branch } from "./thread-places.js";
import { answered, reacted, Toggles, type Toggle } from "./thread-reactions.js";
import { threadView, type ThreadView } from "./thread-view.js";

type CommentEvent = ChannelEvent<string, unknown>;

/**
 * The comments of one post, merged from pages, live events, answers and what was just done here, whatever the order they
 * come in. Pure: no network, no clock.
 *
 * **Invariants:** of two versions of a comment the one with the higher `updated_seq` stays; counts and reactions are
 * taken over with the event they belong to, never added up; what somebody else wrote stays `fresh` until `reveal`, or
 * is a number where its branch is not loaded, so that nothing on screen moves by itself.
 */
export class ThreadStore {
  commentCount = 0;

  #countSeq = -1;
  #epoch = "";
  #entries = new Map<number, Entry>();
  #drafts = new Map<string, Draft>();
  #places: Places;
  #toggles = new Toggles();
  #loads = 0;
  #held = new Held();
  /** Undefined until it is known who reads. */
  #me: number | null | undefined;
  #uncertain = new Set<number>();
  #view: ThreadView | null = null;
  #listeners = new Set<() => void>();

  constructor({ sort = "oldest", tree = false }: ThreadStoreOptions = {}) {
    this.#places = new Places(tree, tree ? sort : "oldest");
  }

  /** Calls `listener` after every change; returns what takes it away. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The tree as it is to be shown; the same object until something changes. */
  get view(): ThreadView {
    return (this.#view ??= threadView({
      entries: this.#entries,
      drafts: this.#drafts,
      places: this.#places,
      shown: (comment) => this.#toggles.over(comment),
    }));
  }

  get drafts(): Draft[] {
    return [...this.#drafts.values()];
  }

  /** Whether everything up to the last root (flat: the newest comment) is loaded. */
  get complete(): boolean {
    return this.#places.complete;
  }

  get sort(): CommentSort {
    return this.#places.sort;
  }

  /** Of the log that all is known from. */
  get epoch(): string {
    return this.#epoch;
  }

  get places(): Places {
    return this.#places;
  }

  get(id: number): Comment | undefined {
    const entry = this.#entries.get(id);
    return entry && this.#toggles.over(entry.comment);
  }

  /** The ids of what is to be read again after a hole, parents first. In a tree what waits becomes a number again. */
  get readAgain(): number[] {
    const held = [...this.#entries.values()].filter(({ fresh }) => !this.#places.tree || !fresh);
    return held.map(({ comment }) => comment.id).sort((a, b) => a - b);
  }

  /**
   * Whose comments are shown at once, and whose reactions are one's own; null is nobody. True when somebody's reactions
   * are not known: then read anew, as them.
   */
  setUser(id: number | null): boolean {
    const before = this.#me;
    this.#me = id;
    let unknown = false;
    for (const [key, entry] of this.#entries) {
      if (before != null && before !== id) {
        const mine = Object.keys(entry.comment.reactions).length ? undefined : [];
        this.#entries.set(key, { ...entry, mineSeq: -1, comment: { ...entry.comment, my_reactions: mine } });
      }
      unknown ||= this.#entries.get(key)!.comment.my_reactions === undefined;
    }
    if (before !== id) this.#changed();
    return id !== null && unknown;
  }

  /** Call it before pages are asked for, and what takes them or `loadFailed` when they are there. */
  loadBegins(): void {
    this.#loads++;
  }

  loadFailed(): void {
    this.#loadEnds();
    this.#changed();
  }

  /** The page after those that are loaded. This and what follows return false, and do nothing, for another log's. */
  addPage(page: CommentPage): boolean {
    this.#epoch ||= page.epoch;
    if (!this.#fits(page)) return false;
    this.#takeAll(page.items, page.seq, false);
    this.#places.took(page.items, page.next_cursor);
    return this.#taken();
  }

  /** The next page of the replies to one comment, if that is still there. */
  addReplies(parentId: number, page: CommentPage): boolean {
    if (!this.#fits(page, parentId)) return false;
    this.#takeAll(page.items, page.seq, false);
    this.#places.tookReplies(parentId, page.items, page.next_cursor);
    return this.#taken();
  }

  setBranch(id: number, change: Partial<Branch>): void {
    this.#places.setBranch(id, change);
    this.#changed();
  }

  /**
   * Everything up to (at least) what was loaded, read anew after a hole. What is shown stays, keeps its `uid`, and is
   * brought up to date; what is new is `fresh`; what is no longer told of goes.
   */
  replace({ branches = [], page, singles = [] }: Reread): boolean {
    if (!this.#fits(page)) return false;
    const { sort, tree, order } = this.#places;
    const next = new Places(tree, sort);
    const answered = new Set([...this.#entries.values()].map(({ comment }) => comment.parent_id));
    // Replies that were a number stay one: they are not new.
    const opens = (id: number) => !this.#entries.has(id) || answered.has(id) || this.#places.reachesReply(id, 0);
    const trim = (comments: Comment[]) => (tree ? trimmed(comments, opens) : comments);
    page = { ...page, items: trim(page.items) };
    branches = branches.map((branch) => ({ ...branch, items: trim(branch.items) }));
    const items = [...page.items, ...branches.flatMap(({ items }) => items), ...singles];
    const told = idsOf(items);
    const known = [...this.#entries.values()].map(({ comment }) => comment).sort(order);
    next.keepOrder(known.filter(({ id, parent_id }) => parent_id === null && told.has(id) && this.#places.reaches(id)));
    this.#rebuild(page, next, items, true);
    for (const { items, next_cursor, parentId } of branches) next.tookReplies(parentId, items, next_cursor);
    for (const single of singles) next.met(single);
    return this.#taken();
  }

  /** The first page in another order: only that is shown. Asked for by the reader, so that everything may move. */
  restart(page: CommentPage, sort: CommentSort): boolean {
    if (!this.#fits(page)) return false;
    this.#rebuild(page, new Places(this.#places.tree, sort), page.items, false);
    return this.#taken();
  }

  /**
   * Events up to here are missing. When the log is another one, what it says is newer than anything known, whatever its
   * numbers; else one's own reactions, which events only change, are not certain until they are read anew.
   */
  hole({ epoch, seq }: Position): void {
    const other = epoch !== this.#epoch;
    if (other) this.#held.clear();
    if (other) this.#countSeq = -1;
    for (const [id, entry] of this.#entries)
      this.#entries.set(id, other ? withoutVersions(entry) : { ...entry, blindSeq: seq });
    this.#epoch = epoch;
  }

  /** A live event of the post's channel; kinds that are not about comments are ignored. */
  apply({ data, kind, seq }: CommentEvent): void {
    if (kind === "comment.reacted") this.#react(data as EventData["comment.reacted"], seq);
    const { comment, comment_count, parent } = data as Partial<EventData["comment.created"]>;
    if (comment) {
      if (comment_count !== undefined) this.setCommentCount(comment_count, seq);
      if (parent) this.#countReplies(parent.id, parent.reply_count, seq);
      if (this.#entries.has(comment.id) || this.#hasPlace(comment, kind)) this.#merge(comment, seq, true);
      else if (this.#loads) this.#held.comment(comment, seq);
    } else if (kind !== "comment.reacted") return;
    this.#changed();
  }

  /** The answer to an edit or a deletion, or a comment that was asked for by itself. */
  put(comment: Comment): void {
    const known = this.get(comment.id);
    const my_reactions = comment.my_reactions ?? known?.my_reactions ?? [];
    if (known) this.#merge({ ...comment, my_reactions }, comment.updated_seq, false);
    this.#changed();
  }

  /** A comment that was asked for by itself, after those it hangs on: shown, wherever pages have come to. */
  bring(id: number, chain: Comment[]): void {
    for (const comment of chain) this.#merge(comment, comment.updated_seq, false);
    for (let entry = this.#entries.get(id); entry; entry = this.#entries.get(entry.comment.parent_id ?? -1)) {
      if (entry.fresh) this.#entries.set(entry.comment.id, { ...entry, fresh: false });
    }
    this.#changed();
  }

  /** An absolute count, as of an event or a REST position. */
  setCommentCount(count: number, seq: number): void {
    if (seq < this.#countSeq) return;
    this.#countSeq = seq;
    this.commentCount = count;
  }

  /** Shows a comment before it is stored. One whose key is known as stored is left as it is. */
  addDraft(draft: Draft): void {
    const stored = [...this.#entries.values()].some(({ comment }) => isSame(draft, comment));
    if (!stored) this.#drafts.set(draft.key, draft);
    this.#changed();
  }

  /** The answer to a draft. */
  settle(comment: Comment): void {
    const { key, parent_id } = comment;
    const nowhere = this.#places.tree && parent_id !== null && !this.#entries.has(parent_id);
    if (nowhere) this.#drafts.delete(key!);
    else this.#merge(comment, comment.updated_seq, false);
    this.#changed();
  }

  /** Marks a draft as not stored, or, without an error, as on its way again. */
  setDraftError(key: string, error: BelfryError | undefined): void {
    const draft = this.#drafts.get(key);
    if (draft) this.#drafts.set(key, { ...draft, error });
    this.#changed();
  }

  discardDraft(key: string): void {
    this.#drafts.delete(key);
    this.#changed();
  }

  /** Shows a reaction, or that it is gone, before it is stored. */
  toggle(toggle: Toggle): void {
    this.#toggles.begin(toggle);
    this.#changed();
  }

  /** The answer to it; without one it is taken back. */
  toggled(toggle: Toggle, answer?: Reactions): void {
    this.#toggles.end(toggle);
    const entry = this.#entries.get(toggle.commentId);
    if (entry && answer) this.#set(answered(entry, answer));
    this.#changed();
  }

  get isUncertain(): boolean {
    return this.#uncertain.size > 0;
  }

  /** Comments of which one's own reactions are not certain: so much happened at once that nobody was named. */
  takeUncertain(): number[] {
    const ids = [...this.#uncertain];
    this.#uncertain.clear();
    return ids;
  }

  /** Shows what came in below a comment, or, with null, all new roots and what hangs on them. */
  reveal(parentId: number | null): void {
    for (const entry of waiting(this.#entries.values(), parentId))
      this.#entries.set(entry.comment.id, { ...entry, fresh: false });
    this.#changed();
  }

  /** Goes over to a new reading, keeping of the old one what is told again or is newer than it. */
  #rebuild({ items, next_cursor, seq }: CommentPage, next: Places, told: Comment[], live: boolean): void {
    const ids = idsOf(told);
    next.took(items, next_cursor);
    this.#places = next;
    for (const entry of [...this.#entries.values()].sort((a, b) => a.comment.id - b.comment.id)) {
      const { comment, fresh } = entry;
      const { id, parent_id } = comment;
      if (ids.has(id) && fresh && !live) this.#entries.set(id, { ...entry, fresh: false });
      const orphan = next.tree && parent_id !== null && !this.#entries.has(parent_id) && !ids.has(parent_id);
      if (!ids.has(id) && (orphan || comment.seq <= seq)) this.#entries.delete(id);
    }
    this.#takeAll(told, seq, live);
  }

  #takeAll(comments: Comment[], asOf: number, live: boolean): void {
    for (const comment of comments) {
      this.#merge(comment, asOf, live);
      if (comment.replies) this.#takeAll(comment.replies.items, asOf, live);
    }
  }

  #merge(comment: Comment, asOf: number, live: boolean): void {
    const old = this.#entries.get(comment.id);
    const draft = comment.key ? this.#drafts.get(comment.key) : undefined;
    const settles = draft && isSame(draft, comment);
    if (settles) this.#drafts.delete(draft.key);
    const uid = settles ? draft.key : (old?.uid ?? `c${comment.id}`);
    const fresh = !settles && (old ? old.fresh : live && !this.#isMine(comment.author));
    const merged = { uid, fresh, ...mergeEntry(old, comment, asOf) };
    // Events never bring one's own reactions.
    if (!old && live && merged.mineSeq < 0) merged.blindSeq = merged.reactionSeq;
    this.#set(merged);
    this.#places.met(comment);
  }

  #set(entry: Entry): void {
    const { id } = entry.comment;
    this.#entries.set(id, entry);
    if (this.#me != null && entry.blindSeq > entry.mineSeq) this.#uncertain.add(id);
    else this.#uncertain.delete(id);
  }

  #react(told: EventData["comment.reacted"], seq: number): void {
    const entry = this.#entries.get(told.comment_id);
    const me = this.#me ?? null;
    if (!entry) return void (this.#loads && this.#held.reacted(told, seq, me));
    this.#set(reacted(entry, told, seq, me));
  }

  #countReplies(id: number, replyCount: number, seq: number): void {
    const entry = this.#entries.get(id);
    if (!entry && this.#loads) this.#held.replies(id, replyCount, seq);
    if (!entry || seq < entry.countSeq) return;
    this.#entries.set(id, { ...entry, countSeq: seq, comment: { ...entry.comment, reply_count: replyCount } });
  }

  /** What one has just written is shown wherever it is; of the rest, what lies within what is loaded. */
  #hasPlace({ author, id, parent_id }: Comment, kind: string): boolean {
    const own = kind === "comment.created" && this.#isMine(author);
    if (parent_id !== null && this.#entries.has(parent_id)) return own || this.#places.reachesReply(parent_id, id);
    return (parent_id === null || !this.#places.tree) && (own || this.#places.reaches(id));
  }

  #isMine(author: Person | null): boolean {
    return this.#me != null && author?.id === this.#me;
  }

  #fits({ epoch }: CommentPage, parentId?: number): boolean {
    if (epoch === this.#epoch && (parentId === undefined || this.#entries.has(parentId))) return true;
    this.loadFailed();
    return false;
  }

  #taken(): true {
    this.#loadEnds();
    this.#changed();
    return true;
  }

  /** What is asked for from now on is newer than what was held. */
  #loadEnds(): void {
    for (const { comment, seq } of this.#held.comments()) {
      const kind = comment.seq === seq ? "comment.created" : "";
      if (this.#entries.has(comment.id) || this.#hasPlace(comment, kind)) this.#merge(comment, seq, true);
    }
    for (const [id, { count, seq }] of this.#held.counts()) this.#countReplies(id, count, seq);
    for (const id of this.#entries.keys())
      for (const { told, seq } of this.#held.takeReactions(id)) this.#react(told, seq);
    this.#loads = Math.max(0, this.#loads - 1);
    if (!this.#loads) this.#held.clear();
  }

  #changed(): void {
    this.#view = null;
    for (const listener of [...this.#listeners]) listener();
  }
}
