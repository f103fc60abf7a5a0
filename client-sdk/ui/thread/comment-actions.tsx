import type { RefObject } from "preact";
import type { Comment } from "../../src/index.js";
import type { BelfryError } from "../../src/errors.js";
import { PencilIcon, ReplyIcon, TrashIcon } from "../base/icons.js";
import { Reactions } from "../react/reactions.js";

interface CommentActionsProps {
  comment: Comment;
  /** Whose comment it is. */
  name: string;
  mayEdit: boolean;
  mayDelete: boolean;
  mayWrite: boolean;
  mine: boolean;
  replying: boolean;
  replyButton: RefObject<HTMLButtonElement | null>;
  reactError: BelfryError | null;
  /** How many replies wait to be shown. */
  fresh: number;
  onReact(emoji: string, on: boolean): void;
  onReply(): void;
  onEdit(): void;
  onDelete(): void;
  onReveal(): void;
}

/** What one can do with a comment, in one row below it; who may not, does not see it. */
export function CommentActions(props: CommentActionsProps) {
  const { comment, fresh, mayDelete, mayEdit, mayWrite, name } = props;
  const whose = props.mine ? "your comment" : `the comment of ${name}`;
  return (
    <div class="row actions">
      {comment.deleted ? (
        <span class="tombstone">This comment was deleted.</span>
      ) : (
        mayWrite && (
          <Reactions
            reactions={comment.reactions}
            mine={comment.my_reactions ?? []}
            name={name}
            error={props.reactError}
            onReact={props.onReact}
          />
        )
      )}
      {fresh > 0 && (
        <button type="button" class="new" onClick={props.onReveal}>
          {fresh.toLocaleString()} new
          <span>
            <span class="longer">{fresh === 1 ? " reply" : " replies"}</span>
            <span class="hidden"> to {name}</span>
          </span>
        </button>
      )}
      {!comment.deleted && mayWrite && (
        <span class="own">
          <button
            ref={props.replyButton}
            type="button"
            class="plain"
            aria-expanded={props.replying}
            onClick={props.onReply}
          >
            <ReplyIcon />
            <span class="label">Reply</span>
            <span class="hidden"> to {name}</span>
          </button>
          {mayEdit && (
            <button type="button" class="plain" title="Edit" onClick={props.onEdit}>
              <PencilIcon />
              <span class="hidden">Edit {whose}</span>
            </button>
          )}
          {mayDelete && (
            <button type="button" class="plain" title="Delete" onClick={props.onDelete}>
              <TrashIcon />
              <span class="hidden">Delete {whose}</span>
            </button>
          )}
        </span>
      )}
    </div>
  );
}
