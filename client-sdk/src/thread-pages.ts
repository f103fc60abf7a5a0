import { asBelfryError } from "./errors.js";
import type { Comment } from "./model.js";
import type { CommentSort, Rest } from "./rest.js";
import { idsOf, type CommentPage, type Reread } from "./thread-entry.js";
import type { ThreadStore } from "./thread-store.js";

export interface ThreadPagesOptions {
  rest: Rest;
  postId: number;
  pageSize: number;
  /** With it pages bring roots with so many of their first replies; else everything, flat. */
  replies?: number;
}

/** How much of one list, and how many comments one by one, a reading after a hole asks for at most. */
const PAGES = 20;
const SINGLES = 100;

/** The comments of a post as they are asked for. */
export class ThreadPages {
  constructor(private options: ThreadPagesOptions) {}

  get tree(): boolean {
    return this.options.replies !== undefined;
  }

  /** Roots with their first replies, or all, flat. */
  page(sort: CommentSort, cursor: string | null): Promise<CommentPage> {
    const { pageSize: limit, postId, replies, rest } = this.options;
    return rest.comments(postId, { limit, cursor, sort, ...(this.tree && { parentId: 0, replies }) });
  }

  /** Direct replies of one. */
  replies(parentId: number, cursor: string | null): Promise<CommentPage> {
    const { pageSize: limit, postId, replies, rest } = this.options;
    return rest.comments(postId, { limit, cursor, sort: "oldest", parentId, replies });
  }

  /** All that is shown, anew. What is new within the same pages comes along. */
  async again(store: ThreadStore): Promise<Reread> {
    const { places, sort } = store;
    const page = await joined(
      (cursor) => this.page(sort, cursor),
      ({ items, next_cursor }) => places.covers(items, next_cursor),
    );
    const told = idsOf(page.items);
    const branches: NonNullable<Reread["branches"]> = [];
    const singles: Comment[] = [];
    const readBranches = new Set<number>();
    // Parents first, so that a reply is looked for only below what is still there.
    for (const id of store.readAgain) {
      const parentId = this.tree ? (store.get(id)?.parent_id ?? null) : null;
      if (told.has(id) || (parentId !== null && !told.has(parentId))) continue;
      if (parentId !== null && !readBranches.has(parentId) && places.reachesReply(parentId, id)) {
        readBranches.add(parentId);
        const horizon = places.branch(parentId)!.horizon;
        const branch = await joined(
          (cursor) => this.replies(parentId, cursor),
          ({ items, next_cursor }) => next_cursor === null || (items.at(-1)?.id ?? horizon) >= horizon,
        );
        branches.push({ parentId, items: branch.items, next_cursor: branch.next_cursor });
        for (const one of idsOf(branch.items)) told.add(one);
      }
      if (told.has(id) || singles.length >= SINGLES) continue;
      const single = await this.comment(id);
      if (!single) continue;
      singles.push(single.comment);
      told.add(id);
    }
    return { page, branches, singles };
  }

  /** Null when it is not there any more. */
  async comment(id: number): Promise<{ comment: Comment; epoch: string } | null> {
    try {
      const { epoch, ...comment } = await this.options.rest.comment(id);
      return { comment, epoch };
    } catch (thrown) {
      const error = asBelfryError(thrown);
      if (error.code === "not_found") return null;
      throw error;
    }
  }
}

/** Page after page until it is enough, as one page of the first one's position. */
async function joined(
  ask: (cursor: string | null) => Promise<CommentPage>,
  enough: (page: CommentPage) => boolean,
): Promise<CommentPage> {
  let whole = await ask(null);
  for (let pages = 1; !enough(whole) && pages < PAGES; pages++) {
    const { items, next_cursor } = await ask(whole.next_cursor);
    whole = { ...whole, items: [...whole.items, ...items], next_cursor };
  }
  return whole;
}
