import type { Client } from "./client.js";
import { systemClock, type Clock } from "./clock.js";
import { Emitter, type Off } from "./emitter.js";
import { asBelfryError, type BelfryError } from "./errors.js";
import type { EventData, Person, Position, Post } from "./protocol.js";
import type { Rest } from "./rest.js";
import type { Room } from "./room.js";
import { ThreadStore, type CommentPage, type Draft } from "./thread-store.js";

export interface LiveThreadOptions {
  client: Client;
  rest: Rest;
  postId: number;
  /** Comments a page, up to 100. */
  pageSize?: number;
  clock?: Clock;
  random?: () => number;
}

/** `failed`: not loaded, `load()` tries again. `gone`: there is no such post, or no longer. */
export type ThreadStatus = "idle" | "loading" | "ready" | "failed" | "gone";

/**
 * A post and its comments, kept alive: pages over REST, then events from exactly there, and everything
 * again when the server says that there is a hole. What is written is shown at once and sent until it is answered.
 */
export class LiveThread extends Emitter<{ change: void }> {
  readonly store = new ThreadStore();
  status: ThreadStatus = "idle";
  post: Post | undefined;
  /** Behind `failed`, or of the last "load more". */
  error: BelfryError | undefined;
  loadingMore = false;

  #options;
  #room: Room;
  #offs: Off[];
  #cursor: string | null = null;
  #loaded = 0;
  #refetching: "no" | "yes" | "again" = "no";
  #timer: unknown;
  #closed = false;

  constructor(options: LiveThreadOptions) {
    super();
    this.#options = { pageSize: 100, clock: systemClock, random: Math.random, ...options };
    const { client, postId } = options;
    const room = (this.#room = client.room(`post:${postId}`));
    this.#offs = [
      this.store.onChange(() => this.emit("change", undefined)),
      client.on("user", (user) => this.store.setUser(user?.id ?? null)),
      client.on("state", ({ status }) => status === "connected" && this.status === "failed" && void this.load()),
      room.on("event", (event) => this.store.apply(event as never)),
      room.on("post.updated", ({ data }) => this.#update(data)),
      room.on("refetch", () => void this.#refetch()),
      room.on("ended", (error) => this.#become("gone", error)),
    ];
    this.store.setUser(client.user?.id ?? null);
  }

  /** Fetches the post and the first page, then listens. Does nothing while it is under way or done. */
  async load(): Promise<void> {
    if (this.status !== "idle" && this.status !== "failed") return;
    this.#become("loading");
    this.store.loadBegins();
    try {
      const [post, page] = await Promise.all([this.#options.rest.post(this.#options.postId), this.#page(null)]);
      if (this.#closed) return;
      this.#take(post);
      this.#paged(page);
      this.store.addPage(page);
      this.#become("ready");
      this.#room.join(post.seq < page.seq ? post : page);
    } catch (thrown) {
      this.store.loadFailed();
      this.#failed(thrown);
    }
  }

  /** The next page. Its failure is in `error`, and it may be asked for again. */
  async loadMore(): Promise<void> {
    if (this.loadingMore || this.store.complete || this.status !== "ready") return;
    this.loadingMore = true;
    this.error = undefined;
    this.store.loadBegins();
    this.emit("change", undefined);
    try {
      const page = await this.#page(this.#cursor);
      this.loadingMore = false;
      this.#paged(page);
      this.store.addPage(page);
    } catch (thrown) {
      this.loadingMore = false;
      this.error = asBelfryError(thrown);
      this.store.loadFailed();
      this.emit("change", undefined);
    }
  }

  /**
   * Writes a comment as `author`: shown at once, sent when there is a connection, never twice. Returns its key. Give the
   * key of a draft that was kept from before to take it up again.
   */
  comment(author: Person, body: string, parentId: number | null = null, key: string = crypto.randomUUID()): string {
    const createdAt = new Date().toISOString();
    this.store.addDraft({ key, body, parentId, author, createdAt });
    this.retry(key);
    return key;
  }

  /** Sends a draft that failed once more, with the same key: if it was stored after all, that one is it. */
  retry(key: string): void {
    const draft = this.#draft(key);
    if (!draft) return;
    this.store.setDraftError(key, undefined);
    this.#options.client.createComment({ ...draft, postId: this.#options.postId }).then(
      (comment) => this.store.settle(comment),
      (error) => this.store.setDraftError(key, asBelfryError(error)),
    );
  }

  /** Takes a failed draft off the page and returns it. */
  discard(key: string): Draft | undefined {
    const draft = this.#draft(key);
    this.store.discardDraft(key);
    return draft;
  }

  /** Resolves when the server has it; rejects with its error. */
  async edit(id: number, body: string): Promise<void> {
    this.store.put(await this.#options.client.editComment(id, body));
  }

  async remove(id: number): Promise<void> {
    this.store.put(await this.#options.client.deleteComment(id));
  }

  /** Leaves the room. What is on its way is still sent. */
  close(): void {
    this.#closed = true;
    for (const off of this.#offs) off();
    this.#options.clock.clearTimeout(this.#timer);
    this.#room.leave();
  }

  #draft(key: string): Draft | undefined {
    return this.store.drafts.find((draft) => draft.key === key);
  }

  #page(cursor: string | null): Promise<CommentPage> {
    const { pageSize, postId, rest } = this.#options;
    return rest.comments(postId, { limit: pageSize, cursor, sort: "oldest" });
  }

  #paged(page: CommentPage): void {
    this.#cursor = page.next_cursor;
    this.#loaded += page.items.length;
  }

  /** Once for all the holes that were told while it ran; again and again until it works. */
  async #refetch(): Promise<void> {
    if (this.status !== "ready" || this.#refetching !== "no") {
      this.#refetching = this.#refetching === "no" ? "no" : "again";
      return;
    }
    this.#refetching = "yes";
    this.store.loadBegins();
    try {
      const post = await this.#options.rest.post(this.#options.postId);
      const wanted = this.#loaded;
      let whole = await this.#page(null);
      while (whole.next_cursor && whole.items.length < wanted) {
        const next = await this.#page(whole.next_cursor);
        whole = { ...whole, items: [...whole.items, ...next.items], next_cursor: next.next_cursor };
      }
      if (this.#closed) return;
      this.#loaded = 0;
      this.#paged(whole);
      this.store.replace(whole);
      this.#take(post);
      this.emit("change", undefined);
      this.#refetchDone(0);
    } catch (thrown) {
      this.store.loadFailed();
      if (this.#closed) return;
      const error = asBelfryError(thrown);
      if (error.code === "not_found") return this.#become("gone", error);
      this.#refetching = "again";
      this.#refetchDone((error.retryAfterMs ?? 0) + 1_000 + 4_000 * this.#options.random());
    }
  }

  #refetchDone(delayMs: number): void {
    const again = this.#refetching === "again";
    const { clock } = this.#options;
    const run = () => {
      this.#refetching = "no";
      void this.#refetch();
    };
    if (!again) this.#refetching = "no";
    else if (delayMs) this.#timer = clock.setTimeout(run, delayMs);
    else run();
  }

  #take(post: Post & Position): void {
    this.post = post;
    this.store.setCommentCount(post.comment_count, post.seq);
  }

  #update({ post }: EventData["post.updated"]): void {
    this.post = post;
    this.emit("change", undefined);
  }

  #failed(thrown: unknown): void {
    const error = asBelfryError(thrown);
    this.#become(error.code === "not_found" ? "gone" : "failed", error);
  }

  #become(status: ThreadStatus, error?: BelfryError): void {
    if (this.#closed) return;
    this.status = status;
    this.error = error;
    this.emit("change", undefined);
  }
}

/** A live thread; nothing happens until `load()`. */
export const openThread = (options: LiveThreadOptions): LiveThread => new LiveThread(options);
