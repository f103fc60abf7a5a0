import { createClient, type Client, type ClientOptions, type PageSign } from "../../src/index.js";
import { FakeClock, settle } from "./fake-clock.js";
import { FakeHub, type HubSocket } from "./fake-hub.js";
import { fakeFetch } from "./fake-rest.js";
import { socketClass } from "./fake-socket.js";

export { settle };

/** A hub, a clock and clients that know nothing of the real ones. */
export class World {
  clock = new FakeClock();
  hub = new FakeHub(this.clock.now);
  ada = this.hub.addUser("Ada");
  post = this.hub.addPost(this.ada);
  fetch = fakeFetch(this.hub);
  /** What the next attempts get from `random`; 0.5 when nothing is set. */
  random = 0.5;
  states: string[] = [];
  page: (sign: PageSign) => void = () => {};

  client(options: ClientOptions = {}): Client {
    const client = createClient({
      url: "ws://hub/ws",
      clock: this.clock,
      WebSocket: socketClass(this.hub),
      random: () => this.random,
      watchPage: (tell) => {
        this.page = tell;
        return () => (this.page = () => {});
      },
      ...options,
    });
    client.on("state", ({ status }) => this.states.push(status));
    return client;
  }

  /** A client that is connected, signed in as Ada unless told otherwise. */
  async connected(options: ClientOptions = {}): Promise<Client> {
    const { token } = this.hub.signIn(this.ada);
    const client = this.client({ token: async () => token, ...options });
    client.connect();
    await settle();
    return client;
  }

  /** The only socket there is. */
  get socket(): HubSocket {
    if (this.hub.sockets.size !== 1) throw new Error(`There are ${this.hub.sockets.size} sockets.`);
    return [...this.hub.sockets][0]!;
  }

  /** What the only socket received, by type. */
  received<Type extends string>(type: Type) {
    return this.socket.received.filter((message) => message.type === type) as unknown as (Record<string, unknown> & {
      type: Type;
    })[];
  }

  get channel(): string {
    return `post:${this.post.id}`;
  }
}

/** What a promise is rejected with. */
export const rejected = async (promise: Promise<unknown>): Promise<{ code: string; message: string }> => {
  try {
    await promise;
  } catch (thrown) {
    return thrown as { code: string; message: string };
  }
  throw new Error("It was not rejected.");
};
