import type { BelfryError } from "./errors.js";
import type { ChannelEvent, Comment, EventData, Person, Position } from "./protocol.js";
import { threadView, type ThreadView } from "./thread-view.js";

/** A comment that was written here and is not known to be stored yet. */
export interface Draft {
  key: string;
  body: string;
  parentId: number | null;
  author: Person;
  createdAt: string;
  /** Why it was not stored; the text is kept. */
  error?: BelfryError;
}

/** A comment that is loaded, and what this side knows about it. */
export interface Entry {
  /** The same from draft to stored comment, for keyed lists. */
  uid: string;
  comment: Comment;
  /** Came in live from somebody else and was not asked for yet. */
  fresh: boolean;
  /** As of which event `reply_count` is known. */
  countSeq: number;
}

export interface CommentPage extends Position {
  items: Comment[];
  next_cursor: string | null;
}

type CommentEvent = ChannelEvent<string, Partial<EventData["comment.created"]>>;

/**
 * The comments of one post, merged from pages (oldest first, flat), live events, answers and what was just written here,
 * whatever the order they come in. Pure: no network, no clock.
 *
 * **Invariants:** of two versions of a comment the one with the higher `updated_seq` stays; counts are taken over
 * with the event they belong to, never added up; what somebody else wrote stays `fresh` until `reveal`, so that nothing
 * on screen moves by itself.
 */
export class ThreadStore {
  /** Whether everything up to the newest comment is loaded. */
  complete = false;
  commentCount = 0;

  #countSeq = -1;
  #epoch = "";
  #entries = new Map<number, Entry>();
  #drafts = new Map<string, Draft>();
  /** The highest id that pages have brought. */
  #horizon = 0;
  #loads = 0;
  /** Events for what is not loaded, while a page that may hold it is on its way. */
  #held = new Map<number, { comment: Comment; seq: number }>();
  #me: number | null = null;
  #view: ThreadView | null = null;
  #listeners = new Set<() => void>();

  /** Calls `listener` after every change; returns what takes it away. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The tree as it is to be shown; the same object until something changes. */
  get view(): ThreadView {
    return (this.#view ??= threadView(this.#entries, this.#drafts, this.complete ? Infinity : this.#horizon));
  }

  get drafts(): Draft[] {
    return [...this.#drafts.values()];
  }

  get(id: number): Comment | undefined {
    return this.#entries.get(id)?.comment;
  }

  /** Whose comments are shown at once. */
  setUser(id: number | null): void {
    this.#me = id;
  }

  /** Call it before a page is asked for, and `addPage`, `replace` or `loadFailed` when it is there. */
  loadBegins(): void {
    this.#loads++;
  }

  loadFailed(): void {
    this.#loadEnds();
  }

  /** The page after those that are loaded. */
  addPage(page: CommentPage): void {
    this.#epoch = page.epoch;
    for (const comment of page.items) this.#merge(comment, page.seq, false);
    this.#extend(page);
    this.#changed();
  }

  /**
   * Everything up to (at least) what was loaded, fetched again after a hole. What is shown stays, keeps its `uid`, and is
   * brought up to date; what is new is `fresh`; what is no longer told of goes.
   */
  replace(page: CommentPage): void {
    const old = this.#entries;
    const sameLog = page.epoch === this.#epoch;
    const last = page.next_cursor === null ? Infinity : (page.items.at(-1)?.id ?? 0);
    const told = new Set(page.items.map(({ id }) => id));
    this.#epoch = page.epoch;
    this.#horizon = 0;
    if (!sameLog) this.#countSeq = -1;
    for (const [id, entry] of old) {
      const newer = sameLog && (id > last || entry.comment.seq > page.seq);
      if (!told.has(id) && !newer) old.delete(id);
      // Another log counts from 1 again: what it says is newer by definition.
      else if (!sameLog) old.set(id, { ...entry, countSeq: -1, comment: { ...entry.comment, updated_seq: -1 } });
    }
    for (const comment of page.items) this.#merge(comment, page.seq, true);
    this.#extend(page);
    this.#changed();
  }

  /** A live event of the post's channel; kinds that are not about comments are ignored. */
  apply({ seq, data }: CommentEvent): void {
    const { comment, comment_count, parent } = data;
    if (!comment) return;
    if (comment_count !== undefined) this.setCommentCount(comment_count, seq);
    if (parent) this.#countReplies(parent.id, parent.reply_count, seq);
    if (this.#entries.has(comment.id) || this.#hasPlace(comment)) this.#merge(comment, seq, true);
    else if (this.#loads) this.#hold(comment, seq);
    this.#changed();
  }

  /** The answer to an edit or a deletion. */
  put(comment: Comment): void {
    this.#merge(comment, comment.updated_seq, false);
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
    this.#merge(comment, comment.updated_seq, false);
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

  /** Shows what came in below a comment, or, with null, all new roots and what hangs on them. */
  reveal(parentId: number | null): void {
    for (const entry of [...this.#entries.values()].sort((a, b) => a.comment.id - b.comment.id)) {
      const { comment, fresh } = entry;
      if (!fresh) continue;
      // Parents come first: by now a parent that was meant too is fresh no more.
      if (comment.parent_id === parentId || this.#revealed.has(comment.parent_id)) {
        this.#revealed.add(comment.id);
        this.#entries.set(comment.id, { ...entry, fresh: false });
      }
    }
    this.#revealed.clear();
    this.#changed();
  }
  #revealed = new Set<number | null>();

  #merge(comment: Comment, asOf: number, live: boolean): void {
    const old = this.#entries.get(comment.id);
    const draft = comment.key ? this.#drafts.get(comment.key) : undefined;
    const settles = draft && isSame(draft, comment);
    if (settles) this.#drafts.delete(draft.key);
    const mine = settles || comment.author?.id === this.#me;
    if (!old) {
      const uid = settles ? draft.key : `c${comment.id}`;
      this.#entries.set(comment.id, { uid, comment, fresh: live && !mine, countSeq: asOf });
      return;
    }
    const newer = comment.updated_seq >= old.comment.updated_seq ? comment : old.comment;
    const counts = asOf >= old.countSeq;
    this.#entries.set(comment.id, {
      uid: settles ? draft.key : old.uid,
      fresh: old.fresh && !settles,
      countSeq: Math.max(asOf, old.countSeq),
      comment: {
        ...newer,
        reply_count: (counts ? comment : old.comment).reply_count,
        my_reactions: newer.my_reactions ?? old.comment.my_reactions,
      },
    });
  }

  #countReplies(id: number, replyCount: number, seq: number): void {
    const entry = this.#entries.get(id);
    if (!entry || seq < entry.countSeq) return;
    this.#entries.set(id, { ...entry, countSeq: seq, comment: { ...entry.comment, reply_count: replyCount } });
  }

  /** Below a loaded comment there is always a place; at the end only once the end is loaded. */
  #hasPlace({ author, id, parent_id }: Comment): boolean {
    return (
      this.complete ||
      id <= this.#horizon ||
      author?.id === this.#me ||
      (parent_id !== null && this.#entries.has(parent_id))
    );
  }

  #hold(comment: Comment, seq: number): void {
    const held = this.#held.get(comment.id);
    if (!held || held.seq < seq) this.#held.set(comment.id, { comment, seq });
  }

  #extend(page: CommentPage): void {
    this.complete = page.next_cursor === null;
    this.#horizon = Math.max(this.#horizon, page.items.at(-1)?.id ?? 0);
    for (const [id, { comment, seq }] of this.#held) {
      if (this.#entries.has(id) || this.#hasPlace(comment)) this.#merge(comment, seq, true);
    }
    this.#loadEnds();
  }

  /** What is asked for from now on is newer than what was held. */
  #loadEnds(): void {
    this.#loads = Math.max(0, this.#loads - 1);
    if (!this.#loads) this.#held.clear();
  }

  #changed(): void {
    this.#view = null;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Keys are per person: somebody else's comment may bear the same one. */
const isSame = (draft: Draft, { author, key }: Comment): boolean =>
  key === draft.key && (!author || author.id === draft.author.id);
