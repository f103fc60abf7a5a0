import { createRest, type Client, type Rest } from "../../src/index.js";
import { Chance } from "./chance.js";
import type { Account } from "./fake-data.js";
import { noData } from "./fake-data.js";
import { settle } from "./fake-clock.js";
import { World } from "./world.js";

/** Of two frames the second comes after all that the first one led to, as on a real socket. */
async function arrive(deliver: (() => void) | undefined): Promise<void> {
  deliver?.();
  for (let n = 0; n < 20; n++) await null;
}

/**
 * A world in which everything takes its time: frames, requests and answers wait until chance lets them go on, sockets
 * are cut, events get lost beyond the tail, and now and then the server is another log, restored from a copy.
 */
export class Storm extends World {
  chance: Chance;
  bob: Account = this.hub.addUser("Bob");
  me: Client;
  rest: Rest;
  /** Set while the server refuses whatever is written. */
  refusing = false;
  /** How often the log was another one. */
  restores = 0;

  #token = this.hub.signIn(this.ada).token;
  #frames: (() => void)[] = [];
  #requests: (() => void)[] = [];
  #copy = noData();

  constructor(seed: number) {
    super();
    this.chance = new Chance(seed);
    this.hub.wire = (deliver) => void this.#frames.push(deliver);
    this.hub.heartbeatMs = 1e9;
    this.hub.intercept = (socket, message) => {
      if (!this.refusing || !/^(comment|notifications)\./.test(message.type)) return false;
      socket.send({ type: "error", id: message.id, error: { code: "rate_limited" } });
      return true;
    };
    const fetch = this.fetch;
    // A request waits before the server sees it, and so does its answer.
    const slow = async (input: Parameters<typeof fetch>[0], init?: RequestInit) => {
      await this.#turn();
      const refused = this.refusing && init?.method !== "GET";
      const answer = refused
        ? Promise.reject(new TypeError("refused"))
        : fetch(input, init).then((response) => response);
      answer.catch(() => {});
      await this.#turn();
      return answer;
    };
    this.rest = createRest({
      baseUrl: "/api/v1",
      fetch: slow as typeof fetch,
      clock: this.clock,
      timeoutMs: 1e9,
      token: async () => this.#token,
    });
    this.me = this.client({
      token: async () => this.#token,
      requestTimeoutMs: 1e9,
      openTimeoutMs: 1e9,
      maxWaiting: 1e9,
    });
    this.me.connect();
  }

  #turn = () => new Promise<void>((go) => this.#requests.push(go));

  /** Lets something that waits go on, or lets something happen to the line. */
  async weather(): Promise<void> {
    const { chance, hub } = this;
    const dice = chance.below(40);
    if (dice < 22) for (let n = chance.below(3); n >= 0; n--) await arrive(this.#frames.shift());
    else if (dice < 34) this.#requests.splice(chance.below(this.#requests.length), 1)[0]?.();
    else if (dice === 34) this.cut(0);
    else if (dice === 35) this.cut(1024);
    else if (dice === 36) this.refusing = chance.oneIn(3);
    else if (dice === 37) this.#copy = structuredClone(hub.data);
    else if (dice === 38 && chance.oneIn(4)) this.restore();
    else await this.clock.advance(chance.below(6_000));
    await settle();
  }

  /** What was on the wire is lost; with a short tail so is what happens until it comes back. */
  cut(tail: number): void {
    this.hub.tail = tail;
    this.#frames.length = 0;
    this.hub.closeAll(1006);
  }

  /** The server goes on from a copy: later rows are gone, its log has another name and begins anew. */
  restore(): void {
    if (!this.#copy.posts.length) return;
    const { hub } = this;
    this.restores++;
    const { comments, logs, notifications, posts, reactions } = structuredClone(this.#copy);
    Object.assign(hub.data, {
      comments,
      logs,
      notifications,
      posts,
      reactions,
      epoch: `epoch-${hub.data.epoch.length}-${this.restores}`,
    });
    this.cut(1024);
  }

  /** Everything arrives, and the server does what it is asked. */
  async calm(): Promise<void> {
    this.refusing = false;
    for (let round = 0; round < 60; round++) {
      for (let waits = true; waits;) {
        waits = this.#frames.length + this.#requests.length > 0;
        for (const go of this.#frames.splice(0)) await arrive(go);
        for (const go of this.#requests.splice(0)) go();
        await settle();
      }
      await this.clock.advance(1_000);
    }
  }
}
