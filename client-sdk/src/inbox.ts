// Entry point "./inbox": apart from the core, so that a page without a bell does not load it.
import type { Client } from "./client.js";
import { systemClock, type Clock } from "./clock.js";
import { Emitter, type Off } from "./emitter.js";
import { asBelfryError, BelfryError } from "./errors.js";
import { InboxStore, type InboxPage, type Pending } from "./inbox-store.js";
import type { Notification, Unread } from "./model.js";
import { Refetcher } from "./refetcher.js";
import type { Rest } from "./rest.js";
import type { Room } from "./room.js";

export { InboxStore } from "./inbox-store.js";
export type { InboxPage } from "./inbox-store.js";

export interface InboxOptions {
  client: Client;
  /** Signed in as the same person. */
  rest: Rest;
  /** Notifications a page, up to 100. */
  pageSize?: number;
  clock?: Clock;
  random?: () => number;
}

/** Beyond this many pages a hole is not filled: what is older is loaded again when it is asked for. */
const REFETCH_PAGES = 10;

/**
 * The notifications of whoever is signed in, kept alive on every tab alike: pages over REST, then events from exactly
 * there, and everything again when the server says that there is a hole. When somebody else signs in it starts anew.
 */
export class Inbox extends Emitter<{ change: void }> {
  /** A page is on its way. */
  loading = false;
  /** Of the last thing that failed; gone with the next that works. */
  error: BelfryError | undefined;
  /** The first page is there. */
  loaded = false;

  #options;
  #store = new InboxStore();
  #room: Room;
  #refetcher: Refetcher;
  #offs: Off[];
  #cursor: string | null = null;
  #wanted = false;
  #refetching = false;
  /** There was a hole while the first page was on its way. */
  #stale = false;
  #userId: number | null | undefined;
  /** Changes when what was asked for is no longer wanted. */
  #turn = 0;

  constructor(options: InboxOptions) {
    super();
    const filled = (this.#options = { pageSize: 20, clock: systemClock, random: Math.random, ...options });
    const { client } = options;
    const room = (this.#room = client.room("me"));
    this.#refetcher = new Refetcher({
      clock: filled.clock,
      random: filled.random,
      run: () => this.#refetch(),
      givesUp: ({ code }) => code === "unauthenticated" || code === "forbidden",
    });
    this.#userId = client.user === undefined ? undefined : (client.user?.id ?? null);
    this.#offs = [
      client.on("user", (user) => this.#becomes(user?.id ?? null)),
      client.on("state", ({ status }) => status === "connected" && this.#wanted && !this.loaded && void this.load()),
      room.on("event", (event) => {
        this.#store.apply(event);
        this.#changed();
      }),
      room.on("refetch", ({ epoch }) => {
        this.#store.startLog(epoch);
        this.#stale = this.loading && !this.loaded;
        if (this.loaded) this.#refetcher.ask();
      }),
    ];
  }

  /** Newest first. What was just read or dismissed here shows at once. */
  get items(): Notification[] {
    return this.#store.items;
  }

  get unread(): number {
    return this.#store.unread;
  }

  /** Whether everything down to the oldest is loaded. */
  get complete(): boolean {
    return this.#store.complete;
  }

  /** Calls `listener` after every change; returns what takes it away. */
  onChange(listener: () => void): Off {
    return this.on("change", listener);
  }

  /** Fetches the first page, then listens. Does nothing while that is under way or done, nor while nobody is signed in. */
  async load(): Promise<void> {
    this.#wanted = true;
    if (this.loaded || this.loading || this.#userId === null) return;
    const page = await this.#page(null);
    if (!page) return;
    this.loaded = true;
    const whole = this.#store.addPage(page) && !this.#stale;
    this.#room.join(page);
    if (!whole) this.#refetcher.ask();
    this.#changed();
  }

  /** The next page. Its failure is in `error`, and it may be asked for again. */
  async loadMore(): Promise<void> {
    if (!this.loaded || this.loading || this.#refetching || this.complete) return;
    const page = await this.#page(this.#cursor);
    if (!page) return;
    if (!this.#store.addPage(page)) this.#refetcher.ask();
    this.#changed();
  }

  /** Marks these as read, at once; taken back, with `error`, when the server does not do it. */
  async read(ids: number[]): Promise<void> {
    const known = new Map(this.items.map((item) => [item.id, item]));
    const unread = ids.filter((id) => known.get(id)?.read_at === undefined || known.get(id)!.read_at === null);
    if (!unread.length) return;
    const seen = new Map(unread.map((id) => [id, known.get(id)?.seq ?? -1]));
    await this.#do({ kind: "read", at: new Date().toISOString(), seen }, () =>
      this.#options.client.readNotifications(unread),
    );
  }

  /** Marks everything as read, what is not loaded too. */
  async readAll(): Promise<void> {
    if (!this.unread) return;
    const action: Pending = { kind: "read_all", at: new Date().toISOString(), seq: this.#store.lastSeq };
    await this.#do(action, () => this.#options.client.readNotifications("all"));
  }

  /** Takes one out for good, at once; it comes back, with `error`, when the server does not do it. */
  async dismiss(id: number): Promise<void> {
    await this.#do({ kind: "dismiss", id }, async () => {
      try {
        await this.#options.rest.dismissNotification(id);
      } catch (thrown) {
        if (asBelfryError(thrown).code !== "not_found") throw thrown;
      }
    });
  }

  /** Leaves the room. What is on its way is still sent. */
  close(): void {
    this.#turn++;
    this.#wanted = false;
    this.#refetcher.stop();
    for (const off of this.#offs) off();
    this.#room.leave();
  }

  async #do(action: Pending, run: () => Promise<Unread | void>): Promise<void> {
    const store = this.#store;
    store.begin(action);
    this.error = undefined;
    this.#changed();
    try {
      const answer = await run();
      store.settle(action, answer ?? undefined);
    } catch (thrown) {
      store.takeBack(action);
      if (store === this.#store) this.error = asBelfryError(thrown);
    }
    this.#changed();
  }

  /** Null when it failed, or when it is not wanted any more. */
  async #page(cursor: string | null): Promise<InboxPage | null> {
    const turn = this.#turn;
    const store = this.#store;
    this.loading = true;
    this.error = undefined;
    store.loadBegins();
    this.#changed();
    try {
      const page = await this.#ask(cursor);
      if (turn !== this.#turn) {
        store.loadFailed();
        return null;
      }
      this.loading = false;
      this.#cursor = page.next_cursor;
      return page;
    } catch (thrown) {
      store.loadFailed();
      if (turn !== this.#turn) return null;
      this.loading = false;
      this.error = asBelfryError(thrown);
      this.#changed();
      return null;
    }
  }

  #ask(cursor: string | null): Promise<InboxPage> {
    const { pageSize, rest } = this.#options;
    return rest.notifications({ limit: pageSize, cursor });
  }

  /** As far down as it was loaded. A "load more" that is on its way is dropped: it may not join on. */
  async #refetch(): Promise<void> {
    if (!this.loaded) return;
    const turn = ++this.#turn;
    const store = this.#store;
    this.loading = false;
    this.#refetching = true;
    store.loadBegins();
    try {
      const pages = await this.#again(store.items.length).catch((thrown) => {
        store.loadFailed();
        throw thrown;
      });
      if (turn !== this.#turn) return store.loadFailed();
      // The room will tell of another log; what was read belongs to the one that it tells of.
      if (!store.replace(pages)) throw new BelfryError("unavailable");
      this.#cursor = pages.at(-1)!.next_cursor;
      this.#changed();
    } finally {
      this.#refetching = false;
    }
  }

  async #again(wanted: number): Promise<InboxPage[]> {
    const pages = [await this.#ask(null)];
    for (let held = pages[0]!.items.length; held < wanted && pages.length < REFETCH_PAGES;) {
      const { next_cursor } = pages.at(-1)!;
      if (next_cursor === null) break;
      pages.push(await this.#ask(next_cursor));
      held += pages.at(-1)!.items.length;
    }
    return pages;
  }

  #becomes(userId: number | null): void {
    const before = this.#userId;
    this.#userId = userId;
    if (before === userId || before === undefined) return;
    this.#turn++;
    this.#store = new InboxStore();
    this.#cursor = null;
    this.loaded = this.loading = this.#stale = false;
    this.error = undefined;
    this.#room.leave();
    this.#changed();
    if (this.#wanted) void this.load();
  }

  #changed(): void {
    this.emit("change", undefined);
  }
}

/** The inbox of whoever is signed in; nothing happens until `load()`. */
export const createInbox = (options: InboxOptions): Inbox => new Inbox(options);
