import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import type { Comment as StoredComment } from "../../src/index.js";
import type { LiveThread, ThreadNode } from "../../src/thread.js";
import { useChanges, useUser } from "../base/app.js";
import { Comment } from "./comment.js";
import { Composer } from "../write/composer.js";
import { keepPending } from "./pending.js";
import { PendingComment } from "./pending-comment.js";
import { SignedIn } from "../base/signed-in.js";
import { ThreadContext, ThreadOnPage } from "./thread-context.js";
import { counted, sentence } from "../base/words.js";

/** How deep replies are indented; below that they say whom they answer. Narrow screens show fewer of these, by style alone. */
const DEEPEST = 4;

/** The comments of a post with everything to read and write them. */
export function Thread({ live, postId }: { live: LiveThread; postId: number }) {
  const [, changed] = useReducer((n: number) => n + 1, 0);
  const thread = useMemo(() => new ThreadOnPage(live, postId, () => changed(undefined as never)), [live]);
  const user = useUser();
  const box = useRef<HTMLTextAreaElement>(null);
  useChanges((changed) => live.on("change", changed), [live]);
  const ready = live.status === "ready";
  useEffect(() => (ready && user ? keepPending(live, postId, user) : undefined), [live, ready, user?.id]);

  const { store } = live;
  const { fresh, roots, tail } = store.view;
  const empty = !roots.length && !tail.length && !fresh && store.complete;
  return (
    <ThreadContext.Provider value={{ thread }}>
      <section class="thread" aria-labelledby="thread-title">
        <h2 id="thread-title">
          Comments <span class="quiet number">{store.commentCount.toLocaleString()}</span>
        </h2>
        {empty && <p class="quiet">Be the first to say something.</p>}
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
        <div class="new-bar">
          {fresh > 0 && (
            <button type="button" class="new" onClick={() => thread.reveal(null)}>
              {counted(fresh, "new comment", "new comments")}
            </button>
          )}
        </div>
        <Announcement count={countFresh(roots) + countFresh(tail) + fresh} />
        <SignedIn onSignedIn={() => box.current?.focus()}>
          {(check, signedIn) => (
            <Composer
              key={thread.boxVersion}
              boxRef={box}
              draftName={thread.rootDraft}
              label="Write a comment"
              placeholder="Markdown is fine."
              submitLabel={signedIn ? "Comment" : "Sign in to comment"}
              onSubmit={(text) => {
                if (!check() || !user) return false;
                thread.write(user, text, null);
              }}
            />
          )}
        </SignedIn>
      </section>
    </ThreadContext.Provider>
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

function rows(nodes: ThreadNode[], depth: number, parent?: StoredComment): JSX.Element[] {
  if (depth < DEEPEST) return nodes.map((node) => <Branch key={node.uid} node={node} depth={depth} parent={parent} />);
  // From here on in a row, in the order in which one reads, however deep it goes.
  const list: JSX.Element[] = [];
  const open = nodes.map((node) => ({ node, parent, flat: false })).reverse();
  for (let next = open.pop(); next; next = open.pop()) {
    const { flat, node, parent } = next;
    list.push(
      <li key={node.uid} class="item">
        <Row node={node} inReplyTo={parent} flat={flat} />
      </li>,
    );
    for (const reply of [...node.replies].reverse()) open.push({ node: reply, parent: node.comment, flat: true });
  }
  return list;
}

function Row({ node, ...place }: { node: ThreadNode; inReplyTo?: StoredComment; flat?: boolean }) {
  return node.comment ? <Comment node={node as never} {...place} /> : <PendingComment node={node as never} />;
}

/** A comment and what hangs on it. A thin line along the replies folds them away. */
function Branch({ depth, node, parent }: { node: ThreadNode; depth: number; parent?: StoredComment }) {
  const [folded, setFolded] = useState(false);
  const name = node.comment?.author?.name ?? "a deleted comment";
  return (
    <li class="item">
      <Row node={node} inReplyTo={depth > 1 ? parent : undefined} />
      {node.replies.length > 0 && (
        <div class={folded ? "branch folded" : "branch"}>
          <button
            type="button"
            class={folded ? "link" : "line"}
            aria-expanded={!folded}
            aria-label={`${folded ? "Show" : "Hide"} the replies to ${name}`}
            title={folded ? undefined : "Hide these replies"}
            onClick={() => setFolded(!folded)}
          >
            {folded && `Show ${counted(node.replies.length, "reply", "replies")}`}
          </button>
          {!folded && <ol class="comments">{rows(node.replies, depth + 1, node.comment)}</ol>}
        </div>
      )}
    </li>
  );
}
