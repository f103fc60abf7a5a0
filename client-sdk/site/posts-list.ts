import { Emitter } from "../src/emitter.js";
import { asBelfryError } from "../src/errors.js";
import type { BelfryError, Post, Rest } from "../src/index.js";

/** What is looked for: words, and a tag. */
export interface Search {
  q: string;
  tag: string;
}

const same = (a: Search, b: Search): boolean => a.q === b.q && a.tag === b.tag;

/** The list of posts, kept while other pages are looked at, so that coming back is as one left it. */
export class PostsList extends Emitter<{ change: void }> {
  items: Post[] = [];
  /** What the items are the answer to; undefined before the first. */
  answered: Search | undefined;
  /** Why the list is not what it should be, and at which end. */
  failure: { of: "first" | "more"; error: BelfryError } | undefined;
  #cursor: string | null = null;
  #asking: Search | undefined;
  /** Changes with each question: a late answer to an old one is dropped. */
  #turn = 0;

  /** Whether this search was answered, with nothing more to come. */
  get complete(): boolean {
    return !!this.answered && this.#cursor === null;
  }

  get busy(): boolean {
    return !!this.#asking;
  }

  has(search: Search): boolean {
    return !!this.answered && same(this.answered, search);
  }

  /** The first page, anew. What is shown stays until it is there. */
  load(rest: Rest, search: Search): Promise<void> {
    if (this.#asking && same(this.#asking, search)) return Promise.resolve();
    return this.#fetch(rest, search, null);
  }

  /** Takes out what was deleted. */
  drop(id: number): void {
    this.items = this.items.filter((post) => post.id !== id);
    this.emit("change", undefined);
  }

  async more(rest: Rest): Promise<void> {
    if (this.answered && this.#cursor && !this.#asking) await this.#fetch(rest, this.answered, this.#cursor);
  }

  async #fetch(rest: Rest, search: Search, cursor: string | null): Promise<void> {
    const turn = ++this.#turn;
    this.#asking = search;
    this.failure = undefined;
    this.emit("change", undefined);
    try {
      const page = await rest.posts({ limit: 20, cursor, q: search.q || null, tag: search.tag || null });
      if (turn !== this.#turn) return;
      const known = new Set(page.items.map(({ id }) => id));
      // New posts push old ones onto the next page: shown once all the same.
      this.items = cursor ? [...this.items.filter(({ id }) => !known.has(id)), ...page.items] : page.items;
      this.#cursor = page.next_cursor;
      this.answered = search;
    } catch (thrown) {
      if (turn !== this.#turn) return;
      this.failure = { of: cursor ? "more" : "first", error: asBelfryError(thrown) };
    }
    this.#asking = undefined;
    this.emit("change", undefined);
  }
}

export const postsList = new PostsList();
