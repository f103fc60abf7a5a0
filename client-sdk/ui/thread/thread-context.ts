import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { User } from "../../src/index.js";
import type { Draft, LiveThread } from "../../src/thread.js";
import { drafts } from "../write/drafts.js";

/** The thread on the page, with what only a page needs: focus, drafts, and waiting times. */
export class ThreadOnPage {
  /** Changes when a text was put back into the box at the end, which then reads it anew. */
  boxVersion = 0;
  #retryAt = new WeakMap<Error, number>();

  constructor(
    readonly live: LiveThread,
    readonly postId: number,
    private changed: () => void,
  ) {}

  get rootDraft(): string {
    return `comment.${this.postId}`;
  }

  write(author: User, body: string, parentId: number | null): void {
    this.live.comment(author, body, parentId);
  }

  /** Shows what waits at one place, and puts the focus on the first of it. */
  reveal(parentId: number | null): void {
    const known = new Set(document.querySelectorAll("article.comment"));
    this.live.store.reveal(parentId);
    requestAnimationFrame(() => {
      const shown = [...document.querySelectorAll<HTMLElement>("article.comment")].find((one) => !known.has(one));
      shown?.focus({ preventScroll: false });
    });
  }

  /** When a draft may be sent again, as of `Date.now`; 0 for at once. */
  retryAt({ error }: Draft): number {
    if (!error?.retryAfterMs) return 0;
    let at = this.#retryAt.get(error);
    if (at === undefined) this.#retryAt.set(error, (at = Date.now() + error.retryAfterMs));
    return at;
  }

  /** Takes a failed comment off the page, and its text back to a box. */
  takeBack(key: string): void {
    const draft = this.live.discard(key);
    if (!draft) return;
    const name = draft.parentId === null ? this.rootDraft : `reply.${this.postId}.${draft.parentId}`;
    const kept = drafts.get(name);
    drafts.set(name, kept ? `${kept}\n\n${draft.body}` : draft.body);
    this.boxVersion++;
    this.changed();
  }
}

export const ThreadContext = createContext<{ thread: ThreadOnPage }>(null as never);

export const useThread = () => useContext(ThreadContext);

/** At once, before what had the focus within it goes. */
export function focusComment(id: number): void {
  document.getElementById(`comment-${id}`)?.focus();
}
