import type { User } from "../../src/index.js";
import type { LiveThread } from "../../src/thread.js";
import { drafts } from "../write/drafts.js";

interface Kept {
  key: string;
  body: string;
  parentId: number | null;
}

/**
 * Takes up the comments that were on their way when the page was left, under the same keys, so that none is stored
 * twice; then keeps note of those that are on their way now. Returns what ends it.
 */
export function keepPending(thread: LiveThread, postId: number, user: User): () => void {
  const name = `pending.${user.id}.${postId}`;
  const kept: Kept[] = JSON.parse(drafts.get(name) || "[]");
  const note = () => {
    const waiting = thread.store.drafts
      .filter(({ author }) => author.id === user.id)
      .map(({ body, key, parentId }): Kept => ({ body, key, parentId }));
    drafts.set(name, waiting.length ? JSON.stringify(waiting) : "");
  };
  for (const { body, key, parentId } of kept) {
    if (!thread.store.drafts.some((draft) => draft.key === key)) thread.comment(user, body, parentId, key);
  }
  return thread.on("change", note);
}
