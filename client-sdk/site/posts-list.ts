import { Emitter } from "../src/emitter.js";
import { asBelfryError } from "../src/errors.js";
import type { BelfryError, Post, Rest } from "../src/index.js";

/** The list of posts, kept while other pages are looked at, so that coming back is as one left it. */
export class PostsList extends Emitter<{ change: void }> {
  items: Post[] = [];
  status: "loading" | "ready" | "failed" = "loading";
  error: BelfryError | undefined;
  #cursor: string | null = null;
  #busy = false;

  get complete(): boolean {
    return this.status === "ready" && this.#cursor === null;
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
    this.error = undefined;
    this.emit("change", undefined);
    try {
      const page = await rest.posts({ limit: 20, cursor });
      const known = new Set(page.items.map(({ id }) => id));
      // New posts push old ones onto the next page: shown once all the same.
      this.items = cursor ? [...this.items.filter(({ id }) => !known.has(id)), ...page.items] : page.items;
      this.#cursor = page.next_cursor;
      this.status = "ready";
    } catch (thrown) {
      this.error = asBelfryError(thrown);
      if (this.status !== "ready") this.status = "failed";
    }
    this.#busy = false;
    this.emit("change", undefined);
  }
}

export const postsList = new PostsList();
