import { useEffect, useMemo, useReducer } from "preact/hooks";
import type { CommentSort } from "../../src/index.js";
import type { LiveThread, ThreadNode } from "../../src/thread.js";
import { useApp, useChanges, useUser } from "../base/app.js";
import { CommentIcon } from "../base/icons.js";
import { counted, sentence } from "../base/words.js";
import { Typing } from "../people/typing.js";
import { drafts } from "../write/drafts.js";
import { rows } from "./branch.js";
import { keepPending } from "./pending.js";
import { keepSort } from "./sort.js";
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
  const newestFirst = store.sort === "newest";
  // Where new ones come in, one writes.
  const box = !thread.closed && (
    <ReplyBox
      key="box"
      parentId={null}
      draftName={thread.rootDraft}
      label="Write a comment"
      placeholder="Write a comment. Markdown is fine."
      submitLabel="Comment"
      signInLabel="Sign in to comment"
    />
  );
  const edge = <Edge key="edge" fresh={fresh} thread={thread} />;
  const writing = newestFirst ? [box, edge] : [edge, box];
  return (
    <ThreadContext.Provider value={{ thread }}>
      <section class="thread" aria-labelledby="thread-title">
        <header>
          <h2 id="thread-title">
            Comments <span class="quiet number">{store.commentCount.toLocaleString()}</span>
          </h2>
          {!empty && <SortChoice live={live} />}
        </header>
        {thread.closed && (
          <div class="note-bar" role="status">
            <p>This thread is closed: its post was deleted. You can still read and copy what is here.</p>
            {drafts.get(thread.rootDraft) && (
              <textarea readOnly aria-label="What you were writing" value={drafts.get(thread.rootDraft)} />
            )}
          </div>
        )}
        {empty && (
          <div class="empty">
            <CommentIcon />
            <p>Be the first to say something.</p>
          </div>
        )}
        {newestFirst && writing}
        <ol class="comments">
          {rows(roots, 0)}
          {!store.complete && (
            <li key="more" class="more">
              <button type="button" disabled={live.loadingMore} onClick={() => void live.loadMore()}>
                {live.loadingMore ? "Loading…" : "Load more comments"}
              </button>
            </li>
          )}
          {live.error && !thread.closed && (
            <li key="error" class="problem" role="alert">
              {sentence(live.error)}
            </li>
          )}
          {rows(tail, 0)}
        </ol>
        {!newestFirst && writing}
        <Announcement count={countFresh(roots) + countFresh(tail) + fresh} />
      </section>
    </ThreadContext.Provider>
  );
}

const SORTS: { sort: CommentSort; label: string }[] = [
  { sort: "oldest", label: "Oldest first" },
  { sort: "newest", label: "Newest first" },
  { sort: "top", label: "Top first" },
];

/** In which order the thread is read; kept for this browser. */
function SortChoice({ live }: { live: LiveThread }) {
  return (
    <label class="sorts">
      <span class="hidden">Order of comments</span>
      <select
        value={live.sort}
        onChange={({ currentTarget: { value } }) => {
          keepSort(value as CommentSort);
          void live.setSort(value as CommentSort);
        }}
      >
        {SORTS.map(({ label, sort }) => (
          <option key={sort} value={sort}>
            {label}
          </option>
        ))}
      </select>
    </label>
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
