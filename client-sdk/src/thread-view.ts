import type { Comment } from "./protocol.js";
import type { Draft, Entry } from "./thread-store.js";

/** One comment as it is to be shown. */
export interface ThreadNode {
  /** Stable from draft to stored comment. */
  uid: string;
  /** Undefined while it is a draft. */
  comment?: Comment;
  /** Undefined once it is stored. */
  draft?: Draft;
  /** By id, oldest first; drafts last. Without what is still hidden. */
  replies: ThreadNode[];
  /** How many comments wait below this one until they are asked for. */
  fresh: number;
}

export interface ThreadView {
  /** Up to where pages are loaded. */
  roots: ThreadNode[];
  /** One's own that lie beyond the loaded pages, and drafts: to be shown after a "load more". */
  tail: ThreadNode[];
  /** How many wait at the end. */
  fresh: number;
}

/** Builds the tree. A comment whose parent is not loaded stands among the roots. */
export function threadView(entries: Map<number, Entry>, drafts: Map<string, Draft>, horizon: number): ThreadView {
  const below = new Map<number | null, Entry[]>();
  const placeOf = (parentId: number | null) => (parentId !== null && entries.has(parentId) ? parentId : null);
  for (const entry of [...entries.values()].sort((a, b) => a.comment.id - b.comment.id)) {
    const place = placeOf(entry.comment.parent_id);
    const siblings = below.get(place);
    if (siblings) siblings.push(entry);
    else below.set(place, [entry]);
  }
  const draftsBelow = (id: number | null): ThreadNode[] =>
    [...drafts.values()]
      .filter((draft) => placeOf(draft.parentId) === id)
      .map((draft) => ({ uid: draft.key, draft, replies: [], fresh: 0 }));

  // Children have higher ids than their parents, so that from the last to the first every branch is ready
  // when it is hung up, at any depth.
  const nodes = new Map<number, ThreadNode>();
  const hidden = new Map<number, number>();
  const gather = (id: number | null): { shown: ThreadNode[]; fresh: number } => {
    const shown: ThreadNode[] = [];
    let fresh = 0;
    for (const entry of below.get(id) ?? []) {
      if (entry.fresh) fresh += hidden.get(entry.comment.id)!;
      else shown.push(nodes.get(entry.comment.id)!);
    }
    return { shown, fresh };
  };
  for (const { comment, uid } of [...entries.values()].sort((a, b) => b.comment.id - a.comment.id)) {
    const { fresh, shown } = gather(comment.id);
    nodes.set(comment.id, { uid, comment, replies: [...shown, ...draftsBelow(comment.id)], fresh });
    // Deleted before anybody saw it: nothing new to announce.
    hidden.set(comment.id, fresh + (comment.deleted ? 0 : 1));
  }
  const { fresh, shown } = gather(null);
  const isLoaded = ({ comment }: ThreadNode) => comment!.id <= horizon;
  const beyond = shown.filter((node) => !isLoaded(node));
  return { roots: shown.filter(isLoaded), tail: [...beyond, ...draftsBelow(null)], fresh };
}
