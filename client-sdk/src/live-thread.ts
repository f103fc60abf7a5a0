import type { Client } from "./client.js";
import { systemClock, type Clock } from "./clock.js";
import { Emitter, type Off } from "./emitter.js";
import { asBelfryError, type BelfryError } from "./errors.js";
import type { EventData, Person, Position, Post } from "./protocol.js";
import { Refetcher } from "./refetcher.js";
import type { CommentSort, Rest } from "./rest.js";
import type { Room } from "./room.js";
import type { CommentPage, Draft } from "./thread-entry.js";
import { ThreadPages } from "./thread-pages.js";
import { ThreadStore } from "./thread-store.js";

export interface LiveThreadOptions {
  client: Client;
  rest: Rest;
  postId: number;
  /** Comments a page, up to 100. */
  pageSize?: number;
  /**
   * How many replies come with each comment, 0 to 10. With it the thread is a tree: pages bring roots, two levels of first
   * replies come along, and `loadReplies` brings the rest branch by branch. Without it pages bring everything, flat.
   */
  replies?: number;
  /** Of the roots, in a tree. */
  sort?: CommentSort;
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
  readonly store: ThreadStore;
  status: ThreadStatus = "idle";
  post: Post | undefined;
  /** Behind `failed`, or of the last "load more". */
  error: BelfryError | undefined;
  loadingMore = false;
  /** The order that was asked for; `store.sort` is what is shown. They differ while it is on its way. */
  sort: CommentSort;

  #options;
  #pages: ThreadPages;
  #room: Room;
  #offs: Off[];
  #cursor: string | null = null;
  #refetcher: Refetcher;
  /** Waits to ask for what became uncertain. */
  #timer: unknown;
  /** There was a hole while the first page was on its way. */
  #stale = false;
  /** Changes when what is loaded is read anew or in another order: pages asked for before do not join on. */
  #turn = 0;
  #closed = false;

  constructor(options: LiveThreadOptions) {
    super();
    const filled = (this.#options = { pageSize: 100, clock: systemClock, random: Math.random, ...options });
    const { client, postId, replies } = options;
    const { clock, random } = filled;
    this.sort = options.sort ?? "oldest";
    this.store = new ThreadStore({ tree: replies !== undefined, sort: this.sort });
    this.#pages = new ThreadPages(filled);
    const givesUp = ({ code }: BelfryError) => code === "not_found";
    this.#refetcher = new Refetcher({ clock, random, run: () => this.#refetch(), givesUp });
    const room = (this.#room = client.room(`post:${postId}`));
    this.#offs = [
      this.store.onChange(() => this.emit("change", undefined)),
      client.on("user", (user) => this.store.setUser(user?.id ?? null) && this.#refetcher.ask()),
      client.on("state", ({ status }) => status === "connected" && this.status === "failed" && void this.load()),
      room.on("event", (event) => {
        this.store.apply(event);
        this.#seekCertainty();
      }),
      room.on("post.updated", ({ data }) => this.#update(data)),
      room.on("refetch", ({ epoch }) => {
        this.store.startLog(epoch);
        this.#stale = this.status === "loading";
        this.#refetcher.ask();
      }),
      room.on("ended", (error) => this.#become("gone", error)),
    ];
    if (client.user !== undefined) this.store.setUser(client.user?.id ?? null);
  }

  /** Fetches the post and the first page, then listens. Does nothing while it is under way or done. */
  async load(): Promise<void> {
    if (this.status !== "idle" && this.status !== "failed") return;
    this.#become("loading");
    this.store.loadBegins();
    try {
      const { postId, rest } = this.#options;
      const [post, page] = await Promise.all([rest.post(postId), this.#pages.page(this.sort, null)]);
      if (this.#closed) return;
      this.#take(post);
      this.#cursor = page.next_cursor;
      this.store.addPage(page);
      this.#become("ready");
      this.#room.join(post.seq < page.seq ? post : page);
      // As somebody else by now, or with events lost meanwhile: then this is not all.
      const { user } = this.#options.client;
      if ((user && this.store.setUser(user.id)) || this.#stale) this.#refetcher.ask();
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
    const page = await this.#asked(this.#pages.page(this.store.sort, this.#cursor), (error) => (this.error = error));
    this.loadingMore = false;
    if (page) {
      this.#cursor = page.next_cursor;
      this.store.addPage(page);
    }
    this.emit("change", undefined);
  }

  /** More direct replies of a comment, in a tree. The node says `loading`, and `error` when they did not come. */
  async loadReplies(commentId: number): Promise<void> {
    const branch = this.store.places.branch(commentId);
    if (branch?.loading || this.status !== "ready") return;
    this.store.setBranch(commentId, { loading: true, error: undefined });
    const asked = this.#pages.replies(commentId, branch?.cursor ?? null);
    const page = await this.#asked(asked, (error) => this.store.setBranch(commentId, { error }));
    if (page) this.store.addReplies(commentId, page);
    else this.store.setBranch(commentId, { loading: false });
  }

  /**
   * Shows the roots of a tree in another order, from the first page. What is there stays until the other order has come;
   * when it does not come, `error` says why and everything is as before.
   */
  async setSort(sort: CommentSort): Promise<void> {
    if (sort === this.sort || this.status !== "ready" || !this.#pages.tree) return;
    this.sort = sort;
    this.error = undefined;
    const turn = ++this.#turn;
    const page = await this.#asked(this.#pages.page(sort, null), (error) => (this.error = error));
    if (page) {
      this.#cursor = page.next_cursor;
      this.store.restart(page, sort);
    } else if (this.sort !== sort) {
      return;
    } else {
      // Overtaken by a reading of all anew, which is in the old order.
      const again = turn !== this.#turn && !this.#closed;
      this.sort = this.store.sort;
      if (again) return this.setSort(sort);
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

  /**
   * Puts an emoji on a comment, or takes it away; without `on`, the other way round from what is shown. Shown at once, and
   * taken back when the server refuses: then it rejects with the error.
   */
  async react(commentId: number, emoji: string, on?: boolean): Promise<void> {
    const mine = this.store.get(commentId)?.my_reactions?.includes(emoji) ?? false;
    const toggle = { commentId, emoji, on: on ?? !mine };
    this.store.toggle(toggle);
    try {
      this.store.toggled(toggle, await this.#options.client.react(commentId, emoji, toggle.on));
    } catch (thrown) {
      this.store.toggled(toggle);
      throw thrown;
    }
  }

  /** Leaves the room. What is on its way is still sent. */
  close(): void {
    this.#closed = true;
    for (const off of this.#offs) off();
    this.#options.clock.clearTimeout(this.#timer);
    this.#refetcher.stop();
    this.#room.leave();
  }

  #draft(key: string): Draft | undefined {
    return this.store.drafts.find((draft) => draft.key === key);
  }

  /** A page that is still wanted when it is there; undefined otherwise. */
  async #asked(asked: Promise<CommentPage>, failed: (error: BelfryError) => void): Promise<CommentPage | undefined> {
    const turn = this.#turn;
    this.store.loadBegins();
    this.emit("change", undefined);
    try {
      const page = await asked;
      if (turn === this.#turn && !this.#closed) return page;
    } catch (thrown) {
      failed(asBelfryError(thrown));
    }
    this.store.loadFailed();
    return undefined;
  }

  async #refetch(): Promise<void> {
    if (this.status !== "ready") return;
    const turn = ++this.#turn;
    this.store.loadBegins();
    try {
      const post = await this.#options.rest.post(this.#options.postId);
      const anew = await this.#pages.again(this.store);
      if (this.#closed) return;
      if (turn !== this.#turn) {
        this.store.loadFailed();
        return this.#refetcher.ask();
      }
      this.#cursor = anew.page.next_cursor;
      this.store.replace(anew);
      this.#take(post);
      this.emit("change", undefined);
    } catch (thrown) {
      this.store.loadFailed();
      const error = asBelfryError(thrown);
      if (error.code === "not_found") this.#become("gone", error);
      throw error;
    }
  }

  /** After a moment of one's own: whoever looks at this thread asks now. */
  #seekCertainty(): void {
    if (this.#timer || !this.store.isUncertain) return;
    const { clock, random, rest } = this.#options;
    const ask = async () => {
      for (const id of this.store.takeUncertain()) {
        const comment = await rest.comment(id).catch(() => null);
        if (comment) this.store.put(comment);
      }
      this.#timer = undefined;
      if (!this.#closed) this.#seekCertainty();
    };
    this.#timer = clock.setTimeout(() => void ask(), 500 + 2_500 * random());
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
