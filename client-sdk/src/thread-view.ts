import type { BelfryError } from "./errors.js";
import type { Comment } from "./model.js";
import type { Draft, Entry } from "./thread-entry.js";
import type { Places } from "./thread-places.js";

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
  /** How many comments wait below this one until they are asked for with `reveal`. */
  fresh: number;
  /** How many direct replies are not loaded; `loadReplies` brings them. Always 0 in a flat thread. */
  more: number;
  /** They are on their way. */
  loading: boolean;
  /** Why they did not come. */
  error?: BelfryError;
}

export interface ThreadView {
  /** Up to where pages are loaded. Newest first: drafts come first, too. */
  roots: ThreadNode[];
  /** One's own that lie beyond the loaded pages, and drafts: to be shown after a "load more". */
  tail: ThreadNode[];
  /** How many wait where new ones come in: at the top when the newest come first, else at the end. */
  fresh: number;
}

interface Parts {
  entries: Map<number, Entry>;
  drafts: Map<string, Draft>;
  places: Places;
  /** The comment with what was just done to it here. */
  shown(comment: Comment): Comment;
}

const draftNode = (draft: Draft): ThreadNode => ({
  uid: draft.key,
  draft,
  replies: [],
  fresh: 0,
  more: 0,
  loading: false,
});

/** Builds the tree. A comment whose parent is not loaded stands among the roots. */
export function threadView({ drafts, entries, places, shown: shownAs }: Parts): ThreadView {
  const below = new Map<number | null, Entry[]>();
  const placeOf = (parentId: number | null) => (parentId !== null && entries.has(parentId) ? parentId : null);
  const ascending = [...entries.values()].sort((a, b) => a.comment.id - b.comment.id);
  for (const entry of ascending) {
    const place = placeOf(entry.comment.parent_id);
    const siblings = below.get(place);
    if (siblings) siblings.push(entry);
    else below.set(place, [entry]);
  }
  const draftsBelow = (id: number | null): ThreadNode[] =>
    [...drafts.values()].filter((draft) => placeOf(draft.parentId) === id).map(draftNode);

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
  for (const { comment, uid } of ascending.reverse()) {
    const { fresh, shown } = gather(comment.id);
    const branch = places.branch(comment.id);
    nodes.set(comment.id, {
      uid,
      comment: shownAs(comment),
      replies: [...shown, ...draftsBelow(comment.id)],
      fresh,
      more: places.tree ? Math.max(0, comment.reply_count - (below.get(comment.id)?.length ?? 0)) : 0,
      loading: branch?.loading ?? false,
      error: branch?.error,
    });
    // Deleted before anybody saw it: nothing new to announce.
    hidden.set(comment.id, fresh + (comment.deleted ? 0 : 1));
  }
  const { fresh, shown } = gather(null);
  shown.sort((a, b) => places.order(a.comment!, b.comment!));
  const isLoaded = ({ comment }: ThreadNode) => places.reaches(comment!.id);
  const written = draftsBelow(null);
  const loaded = shown.filter(isLoaded);
  const beyond = shown.filter((node) => !isLoaded(node));
  if (places.tree && places.sort === "newest") return { roots: [...written.reverse(), ...loaded], tail: beyond, fresh };
  return { roots: loaded, tail: [...beyond, ...written], fresh };
}
