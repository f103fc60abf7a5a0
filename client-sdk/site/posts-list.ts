import { Emitter } from "../src/emitter.js";
import { asBelfryError } from "../src/errors.js";
import type { BelfryError, Post, Rest } from "../src/index.js";

/** The list of posts, kept while other pages are looked at, so that coming back is as one left it. */
export class PostsList extends Emitter<{ change: void }> {
  items: Post[] = [];
  /** Whether there was ever an answer. */
  loaded = false;
  /** Why the list is not what it should be, and at which end. */
  failure: { of: "first" | "more"; error: BelfryError } | undefined;
  #cursor: string | null = null;
  #busy = false;

  get complete(): boolean {
    return this.loaded && this.#cursor === null;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** The first page, anew. What is shown stays until it is there. */
  reload(rest: Rest): Promise<void> {
    return this.#fetch(rest, null);
  }

  more(rest: Rest): Promise<void> {
    return this.#fetch(rest, this.#cursor);
  }

  async #fetch(rest: Rest, cursor: string | null): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.failure = undefined;
    this.emit("change", undefined);
    try {
      const page = await rest.posts({ limit: 20, cursor });
      const known = new Set(page.items.map(({ id }) => id));
      // New posts push old ones onto the next page: shown once all the same.
      this.items = cursor ? [...this.items.filter(({ id }) => !known.has(id)), ...page.items] : page.items;
      this.#cursor = page.next_cursor;
      this.loaded = true;
    } catch (thrown) {
      this.failure = { of: cursor ? "more" : "first", error: asBelfryError(thrown) };
    }
    this.#busy = false;
    this.emit("change", undefined);
  }
}

export const postsList = new PostsList();
