import type { BelfryError } from "./errors.js";
import type { Comment, Person, Position } from "./model.js";
import type { CommentSort } from "./rest.js";

export interface ThreadStoreOptions {
  /** Pages bring roots with their first replies, and each branch is loaded by itself. Else they are flat, oldest first. */
  tree?: boolean;
  sort?: CommentSort;
}

/** Everything that was loaded, read anew. */
export interface Reread {
  page: CommentPage;
  /** Of branches that go further than the page tells. */
  branches?: { parentId: number; items: Comment[]; next_cursor: string | null }[];
  /** What is shown and stands in none of them. */
  singles?: Comment[];
}

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
  /** As of which event `reply_count` is known, … */
  countSeq: number;
  /** … `reactions`, … */
  reactionSeq: number;
  /** … and `my_reactions`; -1 while they are not known. */
  mineSeq: number;
  /** The last event that may have changed `my_reactions` without telling how: above `mineSeq` they are not certain. */
  blindSeq: number;
}

export interface CommentPage extends Position {
  items: Comment[];
  next_cursor: string | null;
}

/** Keys are per person: somebody else's comment may bear the same one. */
export const isSame = (draft: Draft, { author, key }: Comment): boolean =>
  key === draft.key && (!author || author.id === draft.author.id);

/**
 * One comment of what is known and what is told as of an event: text, counts, reactions, and one's own reactions, each by
 * its own version, since some of them are told apart from the rest and sooner.
 */
export function mergeEntry(
  old: Entry | undefined,
  { replies: _, ...told }: Comment,
  asOf: number,
): Omit<Entry, "uid" | "fresh"> {
  const seq = Math.max(asOf, told.updated_seq);
  // Where nobody reacted, oneself did not either.
  const mine = told.my_reactions ?? (Object.keys(told.reactions).length ? undefined : []);
  if (!old) {
    const comment = { ...told, my_reactions: mine };
    return { comment, countSeq: asOf, reactionSeq: seq, mineSeq: mine ? seq : -1, blindSeq: -1 };
  }
  const newer = told.updated_seq >= old.comment.updated_seq ? told : old.comment;
  const counts = asOf >= old.countSeq;
  const reactions = seq >= old.reactionSeq;
  const owns = mine !== undefined && seq >= old.mineSeq;
  return {
    comment: {
      ...newer,
      reply_count: (counts ? told : old.comment).reply_count,
      reactions: (reactions ? told : old.comment).reactions,
      my_reactions: owns ? mine : old.comment.my_reactions,
    },
    countSeq: counts ? asOf : old.countSeq,
    reactionSeq: reactions ? seq : old.reactionSeq,
    mineSeq: owns ? seq : old.mineSeq,
    blindSeq: old.blindSeq,
  };
}

/** As if nothing was known by number: another log counts from 1 again. */
export const withoutVersions = (entry: Entry): Entry => ({
  ...entry,
  countSeq: -1,
  reactionSeq: -1,
  mineSeq: -1,
  blindSeq: -1,
  comment: { ...entry.comment, seq: -1, updated_seq: -1 },
});

/** Of comments and all that comes along with them. */
export function idsOf(comments: Comment[]): Set<number> {
  const ids = new Set<number>();
  const note = ({ id, replies }: Comment): void => {
    ids.add(id);
    replies?.items.forEach(note);
  };
  comments.forEach(note);
  return ids;
}

/** Those that wait right below a comment (null: among the roots), and what hangs on them. */
export function waiting(entries: Iterable<Entry>, parentId: number | null): Entry[] {
  const found = new Map<number | null, Entry>();
  for (const entry of [...entries].sort((a, b) => a.comment.id - b.comment.id)) {
    const { fresh, comment } = entry;
    // Parents come first: by now a parent that is meant too has been found.
    if (fresh && (comment.parent_id === parentId || found.has(comment.parent_id))) found.set(comment.id, entry);
  }
  return [...found.values()];
}

/** The same comments without the replies of those that are not open. */
export const trimmed = (comments: Comment[], opens: (id: number) => boolean): Comment[] =>
  comments.map(({ replies, ...comment }) =>
    replies && opens(comment.id)
      ? { ...comment, replies: { ...replies, items: trimmed(replies.items, opens) } }
      : comment,
  );
