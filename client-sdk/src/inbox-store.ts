import type { Notification, Position, Unread } from "./model.js";
import type { ChannelEvent, EventData } from "./protocol.js";

export interface InboxPage extends Position {
  items: Notification[];
  next_cursor: string | null;
  unread: number;
}

/** What was done here and is not answered yet. It is laid over what is known, so that taking it back is to drop it. */
export type Pending =
  | { kind: "read"; at: string; /** The versions that were seen, by id. */ seen: Map<number, number> }
  | { kind: "read_all"; at: string; /** As of this event. */ seq: number }
  | { kind: "dismiss"; id: number; done?: boolean; /** The log that it belongs to. */ epoch?: string };

interface Entry {
  /** As last told, but for `read_at`, which has a version of its own. */
  item: Notification;
  contentSeq: number;
  readSeq: number;
}

type InboxEvent = ChannelEvent<string, unknown>;

/**
 * One person's notifications, merged from pages, events of the channel `me`, answers, and what was just done here, whatever
 * the order they come in. Pure: no network, no clock.
 *
 * **Invariants:** `unread` is the number that came with the highest `seq`, never added up; of what is told about a row
 * the higher `seq` stays, for what it says and for whether it was read, each by itself; what was deleted does not
 * come back with a page that is older.
 */
export class InboxStore {
  /** Whether everything down to the oldest is loaded. */
  complete = false;
  epoch = "";

  #entries = new Map<number, Entry>();
  #count: Unread = { unread: 0, seq: -1 };
  #loads = 0;
  /** What pages on their way may contradict: deleted rows, and rows read before they were loaded. */
  #gone = new Set<number>();
  #readEarly = new Map<number, { at: string; seq: number }>();
  #allRead = { at: "", seq: -1 };
  #pending = new Set<Pending>();
  #items: Notification[] | null = null;

  /** Newest first; the same array until something changes. */
  get items(): Notification[] {
    if (this.#items) return this.#items;
    const shown: Notification[] = [];
    for (const { item } of this.#entries.values()) {
      if (this.#isDismissed(item.id)) continue;
      const at = item.read_at ?? this.#readHere(item);
      shown.push(at === item.read_at ? item : { ...item, read_at: at });
    }
    return (this.#items = shown.sort((a, b) => b.seq - a.seq || b.id - a.id));
  }

  /** How many are unread, with what was just done here. */
  get unread(): number {
    const here = [...this.#entries.values()].map(({ item }) => item).filter(({ read_at }) => read_at === null);
    const done = (item: Notification) => this.#isDismissed(item.id) || this.#readHere(item) !== null;
    const all = [...this.#pending].some(({ kind }) => kind === "read_all");
    // With all read, only what came after it counts, and that is loaded: it came as an event.
    if (all) return here.filter((item) => !done(item)).length;
    return Math.max(0, this.#count.unread - here.filter(done).length);
  }

  /** Call it before pages are asked for, and `addPage`, `replace` or `loadFailed` when they are there. */
  loadBegins(): void {
    this.#loads++;
  }

  loadFailed(): void {
    this.#loadEnds();
  }

  /** The page after those that are loaded. False, and nothing done, when it is of another log. */
  addPage(page: InboxPage): boolean {
    const fits = !this.epoch || this.epoch === page.epoch;
    if (fits) {
      this.epoch = page.epoch;
      this.#take(page);
    }
    this.#loadEnds();
    return fits;
  }

  /**
   * Everything that was loaded, read anew page by page. What is told of no more goes; the rest stays where it is. False,
   * and nothing done, when it is of another log.
   */
  replace(pages: InboxPage[]): boolean {
    const first = pages[0]!;
    if (pages.some(({ epoch }) => epoch !== this.epoch)) {
      this.#loadEnds();
      return false;
    }
    const told = new Set(pages.flatMap(({ items }) => items.map(({ id }) => id)));
    for (const [id, { contentSeq }] of this.#entries) {
      if (!told.has(id) && contentSeq <= first.seq) this.#entries.delete(id);
    }
    for (const page of pages) this.#take(page);
    this.#loadEnds();
    return true;
  }

  /** The channel's log is another one from now on: what it says is newer than anything known, whatever its numbers. */
  startLog(epoch: string): void {
    if (epoch === this.epoch) return;
    if (this.epoch) {
      for (const [id, { item }] of this.#entries) this.#entries.set(id, { item, contentSeq: -1, readSeq: -1 });
      this.#count.seq = this.#allRead.seq = -1;
      this.#readEarly.clear();
      this.#gone.clear();
      // A server that was restored may have it again.
      for (const action of this.#pending) if (action.kind === "dismiss" && action.done) this.#pending.delete(action);
    }
    this.epoch = epoch;
  }

  /** An event of one's own channel; kinds that are not about notifications change nothing. */
  apply({ at, data, kind, seq }: InboxEvent): void {
    if (kind === "notification.created" || kind === "notification.updated") {
      const { notification, unread } = data as EventData["notification.created"];
      this.#merge(notification, seq);
      this.#setUnread(unread, seq);
    } else if (kind === "notifications.read") {
      const { ids, unread } = data as EventData["notifications.read"];
      this.#read(ids ?? "all", at, seq);
      this.#setUnread(unread, seq);
    } else if (kind === "notification.deleted") {
      const { id, unread } = data as EventData["notification.deleted"];
      this.#delete(id);
      this.#setUnread(unread, seq);
    }
    this.#items = null;
  }

  /** Shows it as done, until `settle` or `takeBack`. */
  begin(action: Pending): void {
    if (action.kind === "dismiss") action.epoch = this.epoch;
    this.#pending.add(action);
    this.#items = null;
  }

  /** The server has done it. */
  settle(action: Pending, answer?: Unread): void {
    if (action.kind === "dismiss") {
      // The count without it comes with its event; until then it stays laid over.
      if (this.#entries.has(action.id) && action.epoch === this.epoch) action.done = true;
      else this.#pending.delete(action);
    } else {
      this.#pending.delete(action);
      if (answer) {
        this.#read(action.kind === "read" ? [...action.seen.keys()] : "all", action.at, answer.seq);
        this.#setUnread(answer.unread, answer.seq);
      }
    }
    this.#items = null;
  }

  /** The server has not done it. */
  takeBack(action: Pending): void {
    this.#pending.delete(action);
    this.#items = null;
  }

  /** The last event that anything here tells of. */
  get lastSeq(): number {
    let last = this.#count.seq;
    for (const { item } of this.#entries.values()) last = Math.max(last, item.seq);
    return last;
  }

  #take(page: InboxPage): void {
    for (const item of page.items) this.#merge(item, page.seq);
    this.#setUnread(page.unread, page.seq);
    this.complete = page.next_cursor === null;
    for (const action of this.#pending) {
      if (action.kind === "dismiss" && action.done && !this.#entries.has(action.id)) this.#pending.delete(action);
    }
    this.#items = null;
  }

  #merge(told: Notification, asOf: number): void {
    if (this.#gone.has(told.id)) return;
    const seq = Math.max(asOf, told.seq);
    const old = this.#entries.get(told.id);
    const content = !old || seq > old.contentSeq;
    let readSeq = !old || seq > old.readSeq ? seq : old.readSeq;
    let readAt = !old || seq > old.readSeq ? told.read_at : old.item.read_at;
    const early = this.#readEarly.get(told.id);
    for (const read of [early, told.seq < this.#allRead.seq ? this.#allRead : undefined]) {
      if (read && read.seq > readSeq) [readAt, readSeq] = [read.at, read.seq];
    }
    this.#entries.set(told.id, {
      item: { ...(content ? told : old.item), read_at: readAt },
      contentSeq: content ? seq : old.contentSeq,
      readSeq,
    });
  }

  #read(ids: number[] | "all", at: string, seq: number): void {
    if (ids === "all" && seq > this.#allRead.seq) this.#allRead = { at, seq };
    for (const id of ids === "all" ? this.#entries.keys() : ids) {
      const entry = this.#entries.get(id);
      if (!entry) {
        if (this.#loads) this.#readEarly.set(id, { at, seq });
      } else if (seq > entry.readSeq) {
        const readAt = entry.item.read_at ?? at;
        this.#entries.set(id, { ...entry, item: { ...entry.item, read_at: readAt }, readSeq: seq });
      }
    }
  }

  #delete(id: number): void {
    this.#entries.delete(id);
    if (this.#loads) this.#gone.add(id);
    for (const action of this.#pending) if (action.kind === "dismiss" && action.id === id) this.#pending.delete(action);
  }

  #setUnread(unread: number, seq: number): void {
    if (seq >= this.#count.seq) this.#count = { unread, seq };
  }

  #isDismissed(id: number): boolean {
    return [...this.#pending].some((action) => action.kind === "dismiss" && action.id === id);
  }

  /** When it was read by something that is not answered yet. What was added to it since is unread again. */
  #readHere({ id, seq }: Notification): string | null {
    for (const action of this.#pending) {
      if (action.kind === "read" && seq <= (action.seen.get(id) ?? -1)) return action.at;
      if (action.kind === "read_all" && seq <= action.seq) return action.at;
    }
    return null;
  }

  /** What is asked for from now on is newer than what was held. */
  #loadEnds(): void {
    this.#loads = Math.max(0, this.#loads - 1);
    if (this.#loads) return;
    this.#gone.clear();
    this.#readEarly.clear();
  }
}
