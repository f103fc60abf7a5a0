import type { Clock } from "./clock.js";
import { Emitter } from "./emitter.js";
import { errorFrom, type BelfryError } from "./errors.js";
import type {
  ChannelEvent,
  EventData,
  Name,
  Position,
  Presence,
  Refused,
  ServerMessage,
  Subscribed,
  Subscription,
  UnknownMessage,
} from "./protocol.js";
import { nextRoster, type Roster } from "./roster.js";
import { Typists } from "./typists.js";

/** `joining`: events may be missing until it is `live`. `ended`: the server closed it, or refused. */
export type RoomState = "idle" | "joining" | "live" | "ended";

type Known = { [Kind in keyof EventData]: ChannelEvent<Kind, EventData[Kind]> };

export interface RoomEvents extends Known {
  /** Every event, known or not, each `seq` once and in order. */
  event: ChannelEvent;
  /**
   * There is a hole that events cannot fill: fetch again over REST. Events go on after
   * this position, so what is fetched from now on joins with them.
   */
  refetch: Position;
  /** Events are flowing, and nothing was missed but for what a `refetch` told of. */
  live: Position;
  /** No such channel, or no longer ours to see. The room does not come back by itself. */
  ended: BelfryError;
  /** Who is here; null when that is no longer told. Only where `presence` was asked for. */
  presence: Roster | null;
  /** Who writes something just now, without oneself. */
  typing: Name[];
  /** Somebody else's `signal`. Best effort: none is told twice, some are never told. */
  signal: { from: Name; data: unknown };
  /** What this version does not know about this channel. */
  message: ServerMessage | UnknownMessage;
  [custom: `custom.${string}`]: ChannelEvent;
}

/** What a room needs of the client. @internal */
export interface RoomLink {
  subscribe(room: Room): void;
  unsubscribe(room: Room): void;
  readonly clock: Clock;
  /** Who is signed in, if anybody. */
  userId(): number | undefined;
}

/**
 * One channel, as a cursor into its log that outlives sockets: after a cut it is taken up where it stood, what was
 * missed comes first, duplicates are dropped, and a hole is never silent.
 */
export class Room extends Emitter<RoomEvents> {
  state: RoomState = "idle";
  /** The last event seen; undefined before the first join is answered. */
  position: Position | undefined;
  /** Who is here, as last told; null until then, and where `presence` was not asked for. Stays while `joining`. */
  roster: Roster | null = null;

  #presence = false;
  /** The channel's real name: `me` is another one's when somebody else signs in. */
  #name: string | undefined;
  #typists;

  constructor(
    readonly channel: string,
    private link: RoomLink,
  ) {
    super();
    this.#typists = new Typists(link, (names) => this.emit("typing", names));
  }

  /** Who writes something just now, without oneself. A name goes 6 s after it was last told. */
  get typists(): Name[] {
    return this.#typists.names;
  }

  /** Asks to see the roster, and to stand in it, from now on. @internal */
  showPresence(): void {
    if (this.#presence) return;
    this.#presence = true;
    if (this.wanted) this.#rejoin();
  }

  /**
   * Asks for events; returns at once, `live` or `ended` follows. With `from`, the position of a REST answer,
   * events after it come first, so that nothing is missed between the two; without it they start with the next one.
   * A second call does nothing unless the room was left or ended.
   */
  join(from?: Position): void {
    if (this.wanted) return;
    this.position = from && { epoch: from.epoch, seq: from.seq };
    this.state = "joining";
    this.link.subscribe(this);
  }

  /** Asks for no more events. Listeners stay. */
  leave(): void {
    const { wanted } = this;
    this.state = "idle";
    this.#forget();
    if (wanted) this.link.unsubscribe(this);
  }

  /** @internal */
  get wanted(): boolean {
    return this.state === "joining" || this.state === "live";
  }

  /** What to subscribe with. @internal */
  get request(): Subscription {
    const { channel, position } = this;
    return {
      channel,
      ...(position && { epoch: position.epoch, since: position.seq }),
      ...(this.#presence && { presence: true }),
    };
  }

  /** The socket is gone. @internal */
  cut(): void {
    if (this.state === "live") this.state = "joining";
    this.#typists.clear();
  }

  /** The answer to a subscription. @internal */
  subscribed(answer: Subscribed): void {
    if (!this.wanted) return;
    const before = this.position;
    const { channel, epoch, seq } = answer;
    const same = this.#name === undefined || this.#name === channel;
    this.#name = channel;
    let whole = !before;
    if (before && answer.recovered && same) {
      for (const event of answer.events) this.#take(event);
      // Told that it is whole, with a position that the events do not lead to: then it is not.
      whole = this.position?.seq === seq;
      if (!this.wanted) return;
    }
    this.position = { epoch, seq };
    this.state = "live";
    if (answer.presence || this.roster) this.#meet(answer.presence ? nextRoster(null, answer.presence) : null);
    if (!whole) this.emit("refetch", { epoch, seq });
    this.emit("live", { epoch, seq });
  }

  /** @internal */
  refused({ error }: Refused): void {
    if (!this.wanted) return;
    this.state = "ended";
    this.#forget();
    this.emit("ended", errorFrom(error));
  }

  /** A message that names this channel. @internal */
  receive(message: ServerMessage | UnknownMessage): void {
    if (!this.wanted) return;
    if (message.type === "event") {
      // While joining, the answer to the subscription brings whatever came before it.
      if (this.state === "live" && !this.#take(message as ChannelEvent)) this.#rejoin();
    } else if (message.type === "resync") {
      const { epoch, seq } = message as unknown as Position;
      this.position = { epoch, seq };
      this.emit("refetch", { epoch, seq });
    } else if (message.type === "unsubscribed") {
      this.refused(message as unknown as Refused);
    } else if (message.type === "presence") {
      if (this.#presence) this.#meet(nextRoster(this.roster, message as Presence));
    } else if (message.type === "typing") {
      this.#typists.told((message as { users: Name[] }).users);
    } else if (message.type === "signal") {
      const { data, from } = message as RoomEvents["signal"];
      this.emit("signal", { from, data });
    } else {
      this.emit("message", message);
    }
  }

  #meet(roster: Roster | null): void {
    this.roster = roster;
    this.emit("presence", roster);
  }

  /** Nothing is told any more. */
  #forget(): void {
    this.#typists.clear();
    if (this.roster) this.#meet(null);
  }

  /** False when an event is missing before this one. One that was seen is dropped. */
  #take(event: ChannelEvent): boolean {
    const position = this.position!;
    if (event.seq > position.seq + 1) return false;
    if (event.seq === position.seq + 1) {
      this.position = { epoch: position.epoch, seq: event.seq };
      this.emit(event.kind as keyof RoomEvents, event as never);
      this.emit("event", event);
    }
    return true;
  }

  /** A subscription that stands would answer from where the server is; a new one fills the hole. */
  #rejoin(): void {
    this.state = "joining";
    this.link.unsubscribe(this);
    this.link.subscribe(this);
  }
}
