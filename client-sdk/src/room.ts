import { Emitter } from "./emitter.js";
import { errorFrom, type BelfryError } from "./errors.js";
import type {
  ChannelEvent,
  EventData,
  Position,
  Refused,
  ServerMessage,
  Subscribed,
  Subscription,
  UnknownMessage,
} from "./protocol.js";

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
  /** Everything else about this channel: presence, typing, signals, and what is not known yet. */
  message: ServerMessage | UnknownMessage;
  [custom: `custom.${string}`]: ChannelEvent;
}

/** What a room needs of the client. @internal */
export interface RoomLink {
  subscribe(room: Room): void;
  unsubscribe(room: Room): void;
}

/**
 * One channel, as a cursor into its log that outlives sockets: after a cut it is taken up where it stood, what was
 * missed comes first, duplicates are dropped, and a hole is never silent.
 */
export class Room extends Emitter<RoomEvents> {
  state: RoomState = "idle";
  /** The last event seen; undefined before the first join is answered. */
  position: Position | undefined;

  constructor(
    readonly channel: string,
    private link: RoomLink,
  ) {
    super();
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
    if (wanted) this.link.unsubscribe(this);
  }

  /** @internal */
  get wanted(): boolean {
    return this.state === "joining" || this.state === "live";
  }

  /** What to subscribe with. @internal */
  get request(): Subscription {
    const { channel, position } = this;
    return position ? { channel, epoch: position.epoch, since: position.seq } : { channel };
  }

  /** The socket is gone. @internal */
  cut(): void {
    if (this.state === "live") this.state = "joining";
  }

  /** The answer to a subscription. @internal */
  subscribed(answer: Subscribed): void {
    if (!this.wanted) return;
    const before = this.position;
    const { epoch, seq } = answer;
    let whole = !before;
    if (before && answer.recovered) {
      for (const event of answer.events) this.#take(event);
      // Told that it is whole, with a position that the events do not lead to: then it is not.
      whole = this.position?.seq === seq;
      if (!this.wanted) return;
    }
    this.position = { epoch, seq };
    this.state = "live";
    if (!whole) this.emit("refetch", { epoch, seq });
    this.emit("live", { epoch, seq });
  }

  /** @internal */
  refused({ error }: Refused): void {
    if (!this.wanted) return;
    this.state = "ended";
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
    } else {
      this.emit("message", message);
    }
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
