import { useState } from "preact/hooks";
import type { JSX } from "preact";
import type { Comment as StoredComment } from "../../src/index.js";
import type { ThreadNode } from "../../src/thread.js";
import { counted } from "../base/words.js";
import { Comment } from "./comment.js";
import { PendingComment } from "./pending-comment.js";

/** How deep replies are indented; below that they say whom they answer. Narrow screens show fewer of these, by style alone. */
const DEEPEST = 4;

/** Comments of one level, each with what hangs on it. */
export function rows(nodes: ThreadNode[], depth: number, parent?: StoredComment): JSX.Element[] {
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
