import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Comment as StoredComment } from "../../src/index.js";
import type { ThreadNode } from "../../src/thread.js";
import { asBelfryError, type BelfryError } from "../../src/errors.js";
import { useUser } from "../base/app.js";
import { Avatar } from "../people/avatar.js";
import { Composer } from "../write/composer.js";
import { drafts } from "../write/drafts.js";
import { SignedIn } from "../base/signed-in.js";
import { focusComment, useThread } from "./thread-context.js";
import { Time } from "../base/time.js";
import { counted, sentence } from "../base/words.js";

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
  const replyButton = useRef<HTMLButtonElement>(null);
  const replyBox = useRef<HTMLTextAreaElement>(null);
  const name = comment.author?.name ?? "a deleted comment";
  // Deleted while somebody writes at it, it keeps their boxes: what is in them is not lost.
  const editing = mode === "edit" && (mine || comment.deleted);

  const stopReplying = () => {
    setReplying(false);
    replyButton.current?.focus();
  };

  return (
    <article id={`comment-${comment.id}`} class="comment" tabIndex={-1} aria-labelledby={`by-${comment.id}`}>
      <header class="by" id={`by-${comment.id}`}>
        <Avatar person={comment.author} />
        {comment.author && <bdi class="name">{comment.author.name}</bdi>}
        <a class="quiet" href={`#comment-${comment.id}`}>
          <Time at={comment.created_at} />
        </a>
        {comment.edited_at && !comment.deleted && <span class="quiet">edited</span>}
        {inReplyTo && (
          <a class={flat ? "quiet" : "quiet narrow"} href={`#comment-${inReplyTo.id}`}>
            in reply to <bdi>{inReplyTo.author?.name ?? "a deleted comment"}</bdi>
          </a>
        )}
      </header>
      <div class="inset">
        {editing ? (
          <Editor comment={comment} draftName={editDraft} onDone={() => (setMode("read"), focusComment(comment.id))} />
        ) : comment.deleted ? null : (
          <div class="text" dir="auto" dangerouslySetInnerHTML={{ __html: comment.html }} />
        )}
        {mode === "delete" && !comment.deleted ? (
          <Deletion comment={comment} onDone={() => (setMode("read"), focusComment(comment.id))} />
        ) : editing && !comment.deleted ? null : (
          <div class="row actions">
            {comment.deleted ? (
              <span class="tombstone">This comment was deleted.</span>
            ) : (
              <button ref={replyButton} type="button" aria-expanded={replying} onClick={() => setReplying(!replying)}>
                Reply<span class="hidden"> to {name}</span>
              </button>
            )}
            {mine && !comment.deleted && (
              <>
                <button type="button" onClick={() => setMode("edit")}>
                  Edit<span class="hidden"> your comment</span>
                </button>
                <button type="button" onClick={() => setMode("delete")}>
                  Delete<span class="hidden"> your comment</span>
                </button>
              </>
            )}
            {fresh > 0 && (
              <button type="button" class="new" onClick={() => thread.reveal(comment.id)}>
                {counted(fresh, "new reply", "new replies")}
                <span class="hidden"> to {name}</span>
              </button>
            )}
          </div>
        )}
        {replying && (
          <SignedIn onSignedIn={() => replyBox.current?.focus()}>
            {(check, signedIn) => (
              <Composer
                key={thread.boxVersion}
                boxRef={replyBox}
                draftName={replyDraft}
                label={`Reply to ${name}`}
                submitLabel={signedIn ? "Reply" : "Sign in to reply"}
                autoFocus
                onLeave={stopReplying}
                onSubmit={(text) => {
                  if (!check() || !user) return false;
                  thread.write(user, text, comment.id);
                  stopReplying();
                }}
              />
            )}
          </SignedIn>
        )}
      </div>
    </article>
  );
}

interface PartProps {
  comment: StoredComment;
  onDone(): void;
}

function Editor({ comment, draftName, onDone }: PartProps & { draftName: string }) {
  const { thread } = useThread();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<BelfryError | null>(null);
  const save = async (text: string) => {
    setBusy(true);
    setError(null);
    try {
      if (text !== comment.body) await thread.live.edit(comment.id, text);
      drafts.set(draftName, "");
      onDone();
    } catch (thrown) {
      setError(asBelfryError(thrown));
      setBusy(false);
    }
  };
  return (
    <Composer
      draftName={draftName}
      initial={comment.body}
      label="Edit your comment"
      submitLabel={busy ? "Saving…" : "Save"}
      autoFocus
      busy={busy}
      note={error && <span class="problem">{sentence(error)} Your text is kept.</span>}
      onLeave={onDone}
      onSubmit={(text) => {
        void save(text);
        return false;
      }}
    />
  );
}

function Deletion({ comment, onDone }: PartProps) {
  const { thread } = useThread();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<BelfryError | null>(null);
  const keep = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => keep.current?.focus(), []);
  const remove = async () => {
    setBusy(true);
    try {
      await thread.live.remove(comment.id);
      onDone();
    } catch (thrown) {
      setError(asBelfryError(thrown));
      setBusy(false);
    }
  };
  return (
    <div
      class="row actions"
      role="group"
      aria-label="Delete this comment?"
      onKeyDown={(event) => event.key === "Escape" && onDone()}
    >
      <span>{error ? sentence(error) : "Delete this comment?"}</span>
      <button type="button" class="danger" disabled={busy} onClick={() => void remove()}>
        {busy ? "Deleting…" : "Delete"}
      </button>
      <button type="button" ref={keep} onClick={onDone}>
        Keep
      </button>
    </div>
  );
}
