import type { Comment, Reactions } from "./model.js";
import type { EventData } from "./protocol.js";
import type { Entry } from "./thread-entry.js";

/** Something that was switched here and is not answered yet. */
export interface Toggle {
  commentId: number;
  emoji: string;
  on: boolean;
}

/**
 * An entry after `comment.reacted`. Who is signed in finds their own changes in `by`; where it is left out, their own
 * reactions are not certain any more, but for those that nobody has now.
 */
export function reacted(entry: Entry, told: EventData["comment.reacted"], seq: number, me: number | null): Entry {
  const { by } = told;
  const newer = seq > entry.reactionSeq;
  const reactions = newer ? told.reactions : entry.comment.reactions;
  let { blindSeq, mineSeq } = entry;
  let mine = entry.comment.my_reactions;
  if (me !== null && seq > mineSeq) {
    const own = by?.filter(({ user_id }) => user_id === me) ?? [];
    for (const { emoji, on } of own) mine = switched(mine, emoji, on);
    mine = mine?.filter((emoji) => reactions[emoji]);
    // What is not known to begin with is not known after a change either.
    const blind = mineSeq < 0 || blindSeq > mineSeq;
    if (!by || (blind && own.length)) blindSeq = seq;
    else if (!blind) mineSeq = seq;
  }
  const reactionSeq = newer ? seq : entry.reactionSeq;
  return { ...entry, reactionSeq, mineSeq, blindSeq, comment: { ...entry.comment, reactions, my_reactions: mine } };
}

/** An entry after the answer to a toggle. */
export function answered(entry: Entry, { my_reactions, reactions, seq }: Reactions): Entry {
  const newer = seq >= entry.reactionSeq;
  const owns = seq >= entry.mineSeq;
  return {
    ...entry,
    reactionSeq: newer ? seq : entry.reactionSeq,
    mineSeq: owns ? seq : entry.mineSeq,
    comment: {
      ...entry.comment,
      reactions: newer ? reactions : entry.comment.reactions,
      my_reactions: owns ? my_reactions : entry.comment.my_reactions,
    },
  };
}

/** Of each emoji on each comment, what was asked for last: laid over what is known until it is answered. */
export class Toggles {
  #open = new Map<number, Map<string, Toggle>>();

  begin(toggle: Toggle): void {
    const { commentId, emoji } = toggle;
    let ofComment = this.#open.get(commentId);
    if (!ofComment) this.#open.set(commentId, (ofComment = new Map()));
    ofComment.set(emoji, toggle);
  }

  /** A later one for the same emoji stays. */
  end(toggle: Toggle): void {
    const ofComment = this.#open.get(toggle.commentId);
    if (ofComment?.get(toggle.emoji) !== toggle) return;
    ofComment.delete(toggle.emoji);
    if (!ofComment.size) this.#open.delete(toggle.commentId);
  }

  /** The comment as it is to be shown. */
  over(comment: Comment): Comment {
    const open = this.#open.get(comment.id);
    if (!open || comment.deleted) return comment;
    const reactions = { ...comment.reactions };
    let mine = comment.my_reactions ?? [];
    for (const { emoji, on } of open.values()) {
      if (mine.includes(emoji) === on) continue;
      mine = switched(mine, emoji, on);
      const count = (reactions[emoji] ?? 0) + (on ? 1 : -1);
      if (count > 0) reactions[emoji] = count;
      else delete reactions[emoji];
    }
    return { ...comment, reactions, my_reactions: mine };
  }
}

/** Always a new list; undefined stays so, as one change does not tell the rest. */
function switched<Mine extends string[] | undefined>(mine: Mine, emoji: string, on: boolean): Mine {
  const others = mine?.filter((one) => one !== emoji);
  return (others && on ? [...others, emoji] : others) as Mine;
}
