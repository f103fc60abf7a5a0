import { useEffect, useMemo, useReducer } from "preact/hooks";
import type { LiveThread, ThreadNode } from "../../src/thread.js";
import { useApp, useChanges, useUser } from "../base/app.js";
import { CommentIcon } from "../base/icons.js";
import { counted, sentence } from "../base/words.js";
import { Typing } from "../people/typing.js";
import { rows } from "./branch.js";
import { keepPending } from "./pending.js";
import { ReplyBox } from "./reply-box.js";
import { ThreadContext, ThreadOnPage } from "./thread-context.js";

/** The comments of a post with everything to read and write them. */
export function Thread({ live, postId }: { live: LiveThread; postId: number }) {
  const [, changed] = useReducer((n: number) => n + 1, 0);
  const app = useApp();
  const thread = useMemo(() => new ThreadOnPage(live, postId, app, () => changed(undefined as never)), [live]);
  const user = useUser();
  useChanges((changed) => live.on("change", changed), [live]);
  const ready = live.status === "ready";
  useEffect(() => (ready && user ? keepPending(live, postId, user) : undefined), [live, ready, user?.id]);

  const { store } = live;
  const { fresh, roots, tail } = store.view;
  const empty = !roots.length && !tail.length && !fresh && store.complete;
  return (
    <ThreadContext.Provider value={{ thread }}>
      <section class="thread" aria-labelledby="thread-title">
        <header>
          <h2 id="thread-title">
            Comments <span class="quiet number">{store.commentCount.toLocaleString()}</span>
          </h2>
        </header>
        {thread.closed && (
          <p class="note-bar" role="status">
            This thread is closed: its post was deleted. You can still read and copy what is here.
          </p>
        )}
        {empty && (
          <div class="empty">
            <CommentIcon />
            <p>Be the first to say something.</p>
          </div>
        )}
        <ol class="comments">
          {rows(roots, 0)}
          {!store.complete && (
            <li key="more" class="more">
              <button type="button" disabled={live.loadingMore} onClick={() => void live.loadMore()}>
                {live.loadingMore ? "Loading…" : "Load more comments"}
              </button>
              {live.error && <span class="problem"> {sentence(live.error)}</span>}
            </li>
          )}
          {rows(tail, 0)}
        </ol>
        <Edge fresh={fresh} thread={thread} />
        <Announcement count={countFresh(roots) + countFresh(tail) + fresh} />
        {!thread.closed && (
          <ReplyBox
            parentId={null}
            draftName={thread.rootDraft}
            label="Write a comment"
            placeholder="Write a comment. Markdown is fine."
            submitLabel="Comment"
            signInLabel="Sign in to comment"
          />
        )}
      </section>
    </ThreadContext.Provider>
  );
}

/** Where the thread goes on: what waits to be shown, and who is writing. */
function Edge({ fresh, thread }: { fresh: number; thread: ThreadOnPage }) {
  const { client } = useApp();
  return (
    <div class="edge">
      {fresh > 0 && (
        <button type="button" class="new" onClick={() => thread.reveal(null)}>
          {counted(fresh, "new comment", "new comments")}
        </button>
      )}
      <Typing room={client.room(`post:${thread.postId}`)} />
    </div>
  );
}

/** Tells those who do not see it that something waits; never what is on screen already. */
function Announcement({ count }: { count: number }) {
  return (
    <p class="hidden" role="status">
      {count > 0 && `${counted(count, "new comment waits", "new comments wait")} to be shown.`}
    </p>
  );
}

const countFresh = (nodes: ThreadNode[]): number => {
  let count = 0;
  const open = [...nodes];
  for (let node = open.pop(); node; node = open.pop()) {
    count += node.fresh;
    open.push(...node.replies);
  }
  return count;
};
