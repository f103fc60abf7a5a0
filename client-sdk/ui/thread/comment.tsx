import { useEffect, useRef, useState } from "preact/hooks";
import type { Comment as StoredComment } from "../../src/index.js";
import type { ThreadNode } from "../../src/thread.js";
import { asBelfryError, type BelfryError } from "../../src/errors.js";
import { isModerator, useUser } from "../base/app.js";
import { AuthPanel } from "../base/auth-panel.js";
import { Html } from "../base/html.js";
import { Time } from "../base/time.js";
import { sentence } from "../base/words.js";
import { Avatar } from "../people/avatar.js";
import { noteUse } from "../react/frequent.js";
import { drafts } from "../write/drafts.js";
import { CommentActions } from "./comment-actions.js";
import { AskDelete } from "./deletion.js";
import { Editor } from "./editor.js";
import { ReplyBox } from "./reply-box.js";
import { focusComment, useThread } from "./thread-context.js";
import { useUndo } from "./undo.js";

interface CommentProps {
  node: ThreadNode & { comment: StoredComment };
  /** Whom it answers, where the indent no longer shows it: on every screen if `flat`, else on narrow ones. */
  inReplyTo?: StoredComment;
  flat?: boolean;
}

/** A comment that is stored: what it says, and what one can do with it where it stands. */
export function Comment({ flat, inReplyTo, node }: CommentProps) {
  const { comment, fresh } = node;
  const { thread } = useThread();
  const user = useUser();
  const replyDraft = `reply.${comment.post_id}.${comment.id}`;
  const editDraft = `edit.${comment.id}`;
  const mine = !!user && comment.author?.id === user.id;
  const [mode, setMode] = useState<"read" | "edit" | "delete">(drafts.get(editDraft) ? "edit" : "read");
  const [replying, setReplying] = useState(!!drafts.get(replyDraft));
  // A text that was put back opens its box.
  useEffect(() => void (drafts.get(replyDraft) && setReplying(true)), [thread.boxVersion]);
  const [failure, setFailure] = useState<{ of: "react" | "delete"; error: BelfryError } | null>(null);
  const [signingIn, setSigningIn] = useState<string | null>(null);
  const replyButton = useRef<HTMLButtonElement>(null);
  const name = comment.author?.name ?? "a deleted comment";
  // Deleted while somebody writes at it, it keeps their boxes: what is in them is not lost.
  const editing = mode === "edit" && (mine || comment.deleted);

  const deletion = useUndo(() => {
    thread.live.remove(comment.id).catch((error) => setFailure({ of: "delete", error: asBelfryError(error) }));
  });
  const gone = comment.deleted || deletion.waits;

  const backToReading = () => {
    setMode("read");
    focusComment(comment.id);
  };
  const stopReplying = () => {
    setReplying(false);
    replyButton.current?.focus();
  };
  const react = (emoji: string, on: boolean) => {
    setFailure(null);
    if (!user) return setSigningIn(emoji);
    if (on) noteUse(emoji);
    thread.live
      .react(comment.id, emoji, on)
      .catch((error: unknown) => setFailure({ of: "react", error: asBelfryError(error) }));
  };

  return (
    <article id={`comment-${comment.id}`} class="comment" tabIndex={-1} aria-labelledby={`by-${comment.id}`}>
      <header class="by" id={`by-${comment.id}`}>
        <Avatar person={deletion.waits ? null : comment.author} />
        {comment.author && !deletion.waits && <bdi class="name">{comment.author.name}</bdi>}
        <a class="quiet" href={`#comment-${comment.id}`}>
          <Time at={comment.created_at} />
        </a>
        {comment.edited_at && !gone && <span class="quiet">edited</span>}
        {inReplyTo && (
          <a class={flat ? "quiet" : "quiet narrow"} href={`#comment-${inReplyTo.id}`}>
            in reply to <bdi>{inReplyTo.author?.name ?? "a deleted comment"}</bdi>
          </a>
        )}
      </header>
      <div class="inset">
        {editing ? (
          <Editor comment={comment} draftName={editDraft} onDone={backToReading} />
        ) : gone ? null : (
          <Html html={comment.html} />
        )}
        {failure?.of === "delete" && (
          <p class="problem" role="alert">
            It could not be deleted. {sentence(failure.error)}
          </p>
        )}
        {deletion.waits ? (
          <div class="row actions" role="status">
            <span class="tombstone">This comment was deleted.</span>
            <button type="button" class="link" onClick={() => (deletion.undo(), focusComment(comment.id))}>
              Undo
            </button>
          </div>
        ) : mode === "delete" && !comment.deleted ? (
          <AskDelete
            question="Delete this comment?"
            onKeep={backToReading}
            onDelete={() => {
              setFailure(null);
              backToReading();
              deletion.begin();
            }}
          />
        ) : editing && !comment.deleted ? null : (
          <CommentActions
            comment={comment}
            name={name}
            mine={mine}
            mayEdit={mine}
            mayDelete={mine || isModerator(user)}
            mayWrite={!thread.closed}
            replying={replying}
            replyButton={replyButton}
            reactError={failure?.of === "react" ? failure.error : null}
            fresh={fresh}
            onReact={react}
            onReply={() => setReplying(!replying)}
            onEdit={() => setMode("edit")}
            onDelete={() => setMode("delete")}
            onReveal={() => thread.reveal(comment.id)}
          />
        )}
        {signingIn !== null && !user && (
          <AuthPanel
            onCancel={() => setSigningIn(null)}
            onDone={() => {
              setSigningIn(null);
              focusComment(comment.id);
            }}
          />
        )}
        {replying && (
          <ReplyBox
            parentId={comment.id}
            draftName={replyDraft}
            label={`Reply to ${name}`}
            placeholder={`Reply to ${name}`}
            submitLabel="Reply"
            signInLabel="Sign in to reply"
            autoFocus
            onLeave={stopReplying}
            onSent={stopReplying}
          />
        )}
      </div>
    </article>
  );
}
