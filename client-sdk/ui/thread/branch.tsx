import { useReducer } from "preact/hooks";
import type { JSX } from "preact";
import type { Comment as StoredComment } from "../../src/index.js";
import type { ThreadNode } from "../../src/thread.js";
import { counted, sentence } from "../base/words.js";
import { Comment } from "./comment.js";
import { foldsOf } from "./folds.js";
import { PendingComment } from "./pending-comment.js";
import { useThread } from "./thread-context.js";

/** How deep replies are indented; below that they say whom they answer. Narrow screens show fewer of these, by style alone. */
const DEEPEST = 4;

/** Comments of one level, each with what hangs on it. */
export function rows(nodes: ThreadNode[], depth: number, parent?: StoredComment): JSX.Element[] {
  if (depth < DEEPEST) return nodes.map((node) => <Branch key={node.uid} node={node} depth={depth} parent={parent} />);
  // From here on in a row, in the order in which one reads, however deep it goes.
  const list: JSX.Element[] = [];
  const open: (Place | { rest: ThreadNode })[] = nodes.map((node) => ({ node, parent, flat: false })).reverse();
  for (let next = open.pop(); next; next = open.pop()) {
    if ("rest" in next) {
      list.push(<MoreReplies key={`more-${next.rest.uid}`} node={next.rest} />);
      continue;
    }
    const { flat, node, parent } = next;
    list.push(
      <li key={node.uid} class="item">
        <Row node={node} inReplyTo={parent} flat={flat} />
      </li>,
    );
    if (node.more > 0) open.push({ rest: node });
    for (const reply of [...node.replies].reverse()) open.push({ node: reply, parent: node.comment, flat: true });
  }
  return list;
}

interface Place {
  node: ThreadNode;
  parent?: StoredComment;
  flat: boolean;
}

function Row({ node, ...place }: { node: ThreadNode; inReplyTo?: StoredComment; flat?: boolean }) {
  return node.comment ? <Comment node={node as never} {...place} /> : <PendingComment node={node as never} />;
}

/** A comment and what hangs on it. A thin line along the replies folds them away. */
function Branch({ depth, node, parent }: { node: ThreadNode; depth: number; parent?: StoredComment }) {
  const [, changed] = useReducer((n: number) => n + 1, 0);
  const { thread } = useThread();
  const folds = foldsOf(thread.live);
  const folded = folds.has(node.uid);
  const name = node.comment?.author?.name ?? "a deleted comment";
  const count = node.replies.length + node.more;
  return (
    <li class="item">
      <Row node={node} inReplyTo={depth > 1 ? parent : undefined} />
      {count > 0 && (
        <div class={folded ? "branch folded" : "branch"}>
          <button
            type="button"
            class={folded ? "link" : "line"}
            aria-expanded={!folded}
            aria-label={`${folded ? "Show" : "Hide"} the replies to ${name}`}
            title={folded ? undefined : "Hide these replies"}
            onClick={() => {
              if (!folds.delete(node.uid)) folds.add(node.uid);
              changed(undefined as never);
            }}
          >
            {folded && `Show ${counted(count, "reply", "replies")}`}
          </button>
          {!folded && (
            <ol class="comments">
              {rows(node.replies, depth + 1, node.comment)}
              {node.more > 0 && <MoreReplies key="more" node={node} />}
            </ol>
          )}
        </div>
      )}
    </li>
  );
}

/** The rest of a branch, for who wants it. */
function MoreReplies({ node }: { node: ThreadNode }) {
  const { thread } = useThread();
  const { comment, error, loading, more } = node;
  return (
    <li class="more">
      <button type="button" class="link" disabled={loading} onClick={() => void thread.live.loadReplies(comment!.id)}>
        {loading ? "Loading…" : `Show ${counted(more, "more reply", "more replies")}`}
        <span class="hidden"> to {comment?.author?.name ?? "a deleted comment"}</span>
      </button>
      {error && (
        <span class="problem" role="alert">
          {" "}
          {sentence(error)}
        </span>
      )}
    </li>
  );
}
