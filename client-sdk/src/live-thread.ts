import type { Client } from "./client.js";
import { systemClock, type Clock } from "./clock.js";
import { Emitter, type Off } from "./emitter.js";
import { asBelfryError, BelfryError } from "./errors.js";
import type { Comment, EventData, Person, Position, Post } from "./protocol.js";
import { Refetcher } from "./refetcher.js";
import type { CommentSort, Rest } from "./rest.js";
import type { Room } from "./room.js";
import type { CommentPage, Draft, Reread } from "./thread-entry.js";
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
  #rereading: Promise<void> | undefined;
  /** There was a hole while a first page was on its way. */
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
    this.#refetcher = new Refetcher({ clock, random, run: () => (this.#rereading = this.#refetch()), givesUp });
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
      room.on("refetch", (position) => {
        this.store.hole(position);
        this.#stale ||= this.status === "loading";
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
      if (this.store.addPage(page)) this.#cursor = page.next_cursor;
      this.#take(post);
      this.#become("ready");
      this.#room.join(post.seq < page.seq ? post : page);
      // As somebody else by now, or with events lost meanwhile: then this is not all.
      const { user } = this.#options.client;
      this.#stale ||= !!user && this.store.setUser(user.id);
      this.#catchUp();
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
    const ask = () => this.#pages.page(this.store.sort, this.#cursor);
    const page = await this.#asked(ask, (error) => (this.error = error));
    this.loadingMore = false;
    if (page && this.store.addPage(page)) this.#cursor = page.next_cursor;
    this.emit("change", undefined);
  }

  /** More direct replies of a comment, in a tree. The node says `loading`, and `error` when they did not come. */
  async loadReplies(commentId: number): Promise<void> {
    const branch = this.store.places.branch(commentId);
    if (branch?.loading || this.status !== "ready" || !this.#pages.tree) return;
    this.store.setBranch(commentId, { loading: true, error: undefined });
    const ask = () => this.#pages.replies(commentId, this.store.places.branch(commentId)?.cursor ?? null);
    const page = await this.#asked(ask, (error) => this.store.setBranch(commentId, { error }));
    if (!page || !this.store.addReplies(commentId, page)) this.store.setBranch(commentId, { loading: false });
  }

  /**
   * Brings one comment, with those it hangs on, wherever it is in the thread. False when there is no such comment here;
   * rejects when that could not be found out.
   */
  async find(commentId: number): Promise<boolean> {
    const chain: Comment[] = [];
    for (let id: number | null = commentId; id !== null && !this.store.get(id); id = chain[0]!.parent_id) {
      const told = await this.#pages.comment(id);
      if (told?.comment.post_id !== this.#options.postId) return false;
      chain.unshift(told.comment);
    }
    if (!this.#closed) this.store.bring(commentId, chain);
    return true;
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
    const page = await this.#asked(
      () => this.#pages.page(sort, null),
      (error) => (this.error = error),
    );
    // Another order was asked for since.
    if (turn !== this.#turn) return;
    // Pages of the order that was shown until now do not join on.
    this.#turn++;
    if (page && this.store.restart(page, sort)) this.#cursor = page.next_cursor;
    else this.sort = this.store.sort;
    this.emit("change", undefined);
    this.#catchUp();
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

  /**
   * A page that is still wanted when it is there; undefined otherwise. While all is being read anew it waits: it would not
   * join on.
   */
  async #asked(
    ask: () => Promise<CommentPage>,
    failed: (error: BelfryError) => void,
  ): Promise<CommentPage | undefined> {
    this.emit("change", undefined);
    await this.#rereading?.catch(() => {});
    const turn = this.#turn;
    this.store.loadBegins();
    try {
      const page = await ask();
      if (turn === this.#turn && !this.#closed) return page;
    } catch (thrown) {
      failed(asBelfryError(thrown));
    }
    this.store.loadFailed();
    return undefined;
  }

  async #refetch(): Promise<void> {
    if (this.status !== "ready") return;
    if (this.sort !== this.store.sort) {
      // Another order is on its way; what it brings may be older than the hole.
      this.#stale = true;
      return;
    }
    const turn = ++this.#turn;
    this.store.loadBegins();
    try {
      const [post, anew] = await this.#again().catch((thrown) => {
        this.store.loadFailed();
        throw thrown;
      });
      if (this.#closed) return;
      if (turn !== this.#turn) {
        this.store.loadFailed();
        return this.#refetcher.ask();
      }
      // The room will tell of another log; what was read belongs to the one that it tells of.
      if (!this.store.replace(anew)) throw new BelfryError("unavailable");
      this.#cursor = anew.page.next_cursor;
      this.#take(post);
      this.emit("change", undefined);
    } catch (thrown) {
      const error = asBelfryError(thrown);
      if (error.code === "not_found") this.#become("gone", error);
      throw error;
    }
  }

  #catchUp(): void {
    if (this.#stale) this.#refetcher.ask();
    this.#stale = false;
  }

  async #again(): Promise<[Post & Position, Reread]> {
    const post = await this.#options.rest.post(this.#options.postId);
    return [post, await this.#pages.again(this.store)];
  }

  /** After a moment of one's own: whoever looks at this thread asks now. */
  #seekCertainty(): void {
    if (this.#timer || !this.store.isUncertain) return;
    const { clock, random } = this.#options;
    const ask = async () => {
      for (const id of this.store.takeUncertain()) {
        const told = await this.#pages.comment(id).catch(() => null);
        if (told?.epoch === this.store.epoch) this.store.put(told.comment);
      }
      this.#timer = undefined;
      if (!this.#closed) this.#seekCertainty();
    };
    this.#timer = clock.setTimeout(() => void ask(), 500 + 2_500 * random());
  }

  #take(post: Post & Position): void {
    this.post = post;
    if (post.epoch === this.store.epoch) this.store.setCommentCount(post.comment_count, post.seq);
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
