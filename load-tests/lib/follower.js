// One channel as one socket hears it, over any number of cuts: where it is, what it heard, and what was wrong with it.
import { delivered, delivery, differing, fault, gaps, missing, repeats, resyncs } from "./metrics.js";
import { Waiting } from "./waiting.js";

/** What an event is about: the same for all who hear it, and in the log. */
const subject = ({ kind, data }) => {
  if (kind === "void") return "void";
  const { comment, comment_id, notification, id, n } = data;
  return `${kind} ${comment?.id ?? comment_id ?? notification?.id ?? id ?? n ?? ""}`;
};

export class Follower {
  /** Of the channel's epoch, the last event it has, and the one before its first. */
  epoch = null;
  last = 0;
  start = 0;
  /** What it heard since `start`, by subject. */
  heard = [];
  /** When the last of it came in. */
  arrival = 0;
  /** Whether the server gave all that was missed when it was last asked. */
  recovered = false;
  /** Whether its socket follows already, and the server's answer says from where. */
  follows = false;
  #live = 0;
  #waiting = new Waiting();

  /** `measured`: whether its events count for the script's figures. `onEvent(event, arrival, live)` is told of each. */
  constructor(channel, { measured = true, onEvent = () => {} } = {}) {
    this.channel = channel;
    this.measured = measured;
    this.onEvent = onEvent;
  }

  /** What to subscribe with. */
  wish() {
    const { channel, epoch, last } = this;
    return epoch === null ? { channel } : { channel, epoch, since: last };
  }

  /** Follows from a place that a REST answer told. */
  from({ epoch, seq }) {
    this.#restart(epoch, seq);
    return this;
  }

  /** The server's answer to the wish: everything since, or nothing. */
  subscribed(body, arrival) {
    const { epoch, seq, head, recovered, events } = body;
    this.recovered = recovered;
    this.#live = head;
    this.arrival = arrival;
    if (recovered && !(this.follows && this.epoch === null)) {
      if (epoch !== this.epoch) fault("recovered from another epoch", this.channel);
      for (const event of events) this.take(event, arrival);
      if (this.last !== seq) fault("recovered to another place than it says", `${this.channel}: ${this.last}, ${seq}`);
    } else {
      if (events.length) fault("not recovered, but events", this.channel);
      this.#restart(epoch, seq);
    }
    this.follows = false;
  }

  take(event, arrival) {
    const { seq } = event;
    if (seq <= this.last) return repeats.add(1);
    if (seq > this.last + 1) gaps.add(seq - this.last - 1);
    this.last = seq;
    this.arrival = arrival;
    this.heard[seq - this.start - 1] = subject(event);
    if (this.measured) {
      delivered.add(1);
      if (seq > this.#live) delivery.add(arrival - Date.parse(event.at));
    }
    this.onEvent(event, arrival, seq > this.#live);
    this.#waiting.look();
  }

  /** A hole that the server will not fill. */
  resync({ epoch, seq }) {
    resyncs.add(1);
    this.#restart(epoch, seq);
  }

  /** Waits until it has this event; false when that takes too long. */
  reaches(seq, patience) {
    return this.#waiting.until(() => this.last >= seq, patience);
  }

  /** Holds what was heard to the log that begins after `since`. */
  compare(since, log) {
    log.forEach((event, n) => {
      const at = since + n - this.start;
      if (at < 0) return;
      const [heard, told] = [this.heard[at], subject(event)];
      if (heard === undefined) missing.add(1);
      // What may no longer be told is void in the log, whatever it was when it was heard.
      else if (heard !== told && told !== "void") {
        differing.add(1);
        fault("not what the log says", `${this.channel} ${event.seq}: ${heard}, ${told}`);
      }
    });
  }

  #restart(epoch, seq) {
    this.epoch = epoch;
    this.last = this.start = seq;
    this.heard = [];
  }
}
