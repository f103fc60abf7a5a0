import type { BelfryError } from "./errors.js";
import type { Comment } from "./model.js";
import type { CommentSort } from "./rest.js";

/** The replies to one comment, oldest first, as far as they are loaded. */
export interface Branch {
  complete: boolean;
  /** The highest id that pages have brought. */
  horizon: number;
  /** Where the next page begins; null for the first one, and when there is none. */
  cursor: string | null;
  loading?: boolean;
  /** Of the last "load more". */
  error?: BelfryError;
}

/**
 * How far a thread is loaded, and with that where something new has its place. `tree`: pages bring roots with their first
 * replies, each branch is loaded by itself. Else they bring everything, flat and oldest first.
 */
export class Places {
  /** Whether the last root (or, flat, the newest comment) is loaded. */
  complete = false;

  /** How far pages have come: up to this id when the oldest come first, down to it when the newest do. */
  #horizon: number;
  /** For `top`: what came first stays first, however votes change. */
  #ranks = new Map<number, number>();
  #branches = new Map<number, Branch>();

  constructor(
    readonly tree: boolean,
    readonly sort: CommentSort,
  ) {
    this.#horizon = sort === "newest" ? Infinity : 0;
  }

  /** A page of roots, or a flat one. */
  took(items: Comment[], nextCursor: string | null): void {
    this.complete = nextCursor === null;
    for (const { id } of items) {
      if (!this.#ranks.has(id)) this.#ranks.set(id, this.#ranks.size);
      this.#horizon = this.sort === "newest" ? Math.min(this.#horizon, id) : Math.max(this.#horizon, id);
    }
    if (this.tree) for (const item of items) this.#tookBranch(item);
  }

  /** A page of direct replies. */
  tookReplies(parentId: number, items: Comment[], nextCursor: string | null): void {
    for (const item of items) this.#tookBranch(item);
    const horizon = Math.max(this.#branches.get(parentId)?.horizon ?? 0, items.at(-1)?.id ?? 0);
    this.#branches.set(parentId, { horizon, cursor: nextCursor, complete: nextCursor === null });
  }

  /** A comment that has come by itself: below a new one there is nothing more, and a whole list now ends with it. */
  met(comment: Comment): void {
    const { id, parent_id } = comment;
    if (this.tree) this.#tookBranch(comment);
    const branch = this.tree && parent_id !== null ? this.#branches.get(parent_id) : undefined;
    if (branch?.complete) branch.horizon = Math.max(branch.horizon, id);
    if ((this.tree && parent_id !== null) || !this.complete) return;
    if (!this.#ranks.has(id)) this.#ranks.set(id, this.#ranks.size);
    if (this.sort !== "newest") this.#horizon = Math.max(this.#horizon, id);
  }

  /** For `top`: these have their places, in this order. */
  keepOrder(roots: Comment[]): void {
    for (const { id } of roots) this.#ranks.set(id, this.#ranks.size);
  }

  branch(id: number): Branch | undefined {
    return this.#branches.get(id);
  }

  /** What is being done about a branch; one that is not known is begun only by loading. */
  setBranch(id: number, change: Partial<Branch>): void {
    const branch = this.#branches.get(id);
    if (!branch && !change.loading) return;
    this.#branches.set(id, { complete: false, horizon: 0, cursor: null, ...branch, ...change });
  }

  /** Whether a root (or, flat, any comment) lies within the pages that are loaded. */
  reaches(id: number): boolean {
    if (this.complete) return true;
    if (this.tree && this.sort === "top") return this.#ranks.has(id);
    return this.sort === "newest" ? id >= this.#horizon : id <= this.#horizon;
  }

  /** Whether pages have brought all that is shown, up to this one. */
  covers(items: Comment[], nextCursor: string | null): boolean {
    if (nextCursor === null || !items.length) return true;
    if (this.sort === "top") return items.length >= this.#ranks.size;
    const { id } = items.at(-1)!;
    return this.sort === "newest" ? id <= this.#horizon : id >= this.#horizon;
  }

  /** Whether a reply lies within what is loaded of its branch; flat, below anything loaded there is a place. */
  reachesReply(parentId: number, id: number): boolean {
    if (!this.tree) return true;
    const branch = this.#branches.get(parentId);
    return !!branch && (branch.complete || id <= branch.horizon);
  }

  /** The order of roots. */
  order = (a: Comment, b: Comment): number => {
    if (this.tree && this.sort === "newest") return b.id - a.id;
    const rank = (id: number) => (this.tree && this.sort === "top" ? (this.#ranks.get(id) ?? Infinity) : 0);
    const [first, second] = [rank(a.id), rank(b.id)];
    return first === second ? a.id - b.id : first - second;
  };

  /** What came with a comment of a page: its first replies, or that there are none. A longer branch stays as it is. */
  #tookBranch({ id, replies, reply_count }: Comment): void {
    const known = this.#branches.get(id);
    for (const reply of replies?.items ?? []) this.#tookBranch(reply);
    if (known) return;
    if (replies) {
      const cursor = replies.next_cursor;
      this.#branches.set(id, { cursor, complete: cursor === null, horizon: replies.items.at(-1)?.id ?? 0 });
    } else if (!reply_count) {
      this.#branches.set(id, { cursor: null, complete: true, horizon: 0 });
    }
  }
}
