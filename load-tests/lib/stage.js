// The small world of the smoke test: two people, a room, and ears that remember.
import { expect, soon } from "./cases.js";
import { Follower } from "./follower.js";
import { Refused } from "./socket.js";

/** Followers who remember their events, and give the one asked for, once it is there. */
export class Ear extends Follower {
  constructor(channel) {
    const told = [];
    super(channel, { onEvent: (event) => (told.push(event), this.woken?.()) });
    this.told = told;
  }

  async hears(kind, fits = () => true) {
    const find = () => this.told.find((event) => event.kind === kind && fits(event.data));
    const found = new Promise((resolve) => {
      const wake = () => find() && resolve(find());
      this.woken = wake;
      wake();
    });
    return (await soon(`${kind} on ${this.channel}`, found)).data;
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
  static async set({ tokens, posts }) {
    const self = new Stage();
    [self.post] = posts;
    self.tokens = tokens;
    self.channel = `post:${self.post}`;
    self.ears = [];
    return self;
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
