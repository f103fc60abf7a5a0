// The small world of the smoke test: two people, a room, and ears that remember.
import { expect, soon } from "./cases.js";
import { Follower } from "./follower.js";
import { Refused } from "./socket.js";
import { Waiting } from "./waiting.js";

/** How long an event may take. */
const PATIENCE = 5000;

/** Followers who remember their events, and give the one asked for, once it is there. */
export class Ear extends Follower {
  #told = [];
  #waiting = new Waiting();

  constructor(channel) {
    const onEvent = (event) => {
      this.#told.push(event);
      this.#waiting.look();
    };
    super(channel, { onEvent });
  }

  async hears(kind, fits = () => true) {
    const find = () => this.#told.find((event) => event.kind === kind && fits(event.data));
    expect(`${kind} comes on ${this.channel}`, await this.#waiting.until(find, PATIENCE));
    return find().data;
  }
}

/** The next message of a type that is no answer and no event. */
export const next = (socket, type) =>
  soon(type, new Promise((resolve) => (socket.onMessage = (message) => message.type === type && resolve(message))));

/** Waits for a refusal with this code. */
export const refused = async (promise, code) => {
  const error = await promise.then(
    () => null,
    (error) => error,
  );
  expect(`${code}, but ${error}`, error instanceof Refused && error.code === code);
};

/** Where the two are in the tokens. */
export const ADA = 0;
export const BOB = 1;

/** One room, with a reader in each way there is, and a writer. */
export class Stage {
  ears = [];
  bells = [];

  constructor({ tokens, posts: [post] }) {
    Object.assign(this, { tokens, post, channel: `post:${post}` });
  }

  ear() {
    const ear = new Ear(this.channel);
    this.ears.push(ear);
    return ear;
  }

  /** The same event, at each of them. */
  all(kind, fits) {
    return Promise.all(this.ears.map((ear) => ear.hears(kind, fits)));
  }
}
