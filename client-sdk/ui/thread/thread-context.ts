import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Person, User } from "../../src/index.js";
import type { Draft, LiveThread } from "../../src/thread.js";
import type { App } from "../base/app.js";
import { drafts } from "../write/drafts.js";

/** How many people are offered after an `@`. */
const OFFERED = 8;
/** How many answers about people are kept. */
const KEPT_ANSWERS = 100;

/** The thread on the page, with what only a page needs: focus, drafts, waiting times, and who may be mentioned. */
export class ThreadOnPage {
  /** Changes when a text was put back into the box at the end, which then reads it anew. */
  boxVersion = 0;
  #retryAt = new WeakMap<Error, number>();
  #people = new Map<string, Promise<Person[]>>();

  constructor(
    readonly live: LiveThread,
    readonly postId: number,
    private app: App,
    private changed: () => void,
  ) {}

  get rootDraft(): string {
    return `comment.${this.postId}`;
  }

  /** Nothing can be written any more: the post was deleted while it was read. */
  get closed(): boolean {
    return this.live.status === "gone";
  }

  write(author: User, body: string, parentId: number | null): void {
    this.#people.clear();
    this.live.comment(author, body, parentId);
  }

  typing = (): void => {
    this.app.client.typing(`post:${this.postId}`);
  };

  /** People of this thread by a part of their handle or name; asked once for each part. */
  findPeople = (part: string): Promise<Person[]> => {
    const q = part.toLocaleLowerCase();
    let found = this.#people.get(q);
    if (!found) {
      found = this.app.rest.people(this.postId, { q: q || undefined, limit: OFFERED }).then(({ items }) => items);
      found.catch(() => this.#people.delete(q));
      if (this.#people.size >= KEPT_ANSWERS) this.#people.clear();
      this.#people.set(q, found);
    }
    return found;
  };

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
