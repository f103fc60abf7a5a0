import { WebSocket } from "ws";
import {
  createClient,
  createRest,
  type Client,
  type ClientOptions,
  type Rest,
  type SocketConstructor,
  type User,
} from "../../src/index.js";
import { ServerProcess } from "./server-process.js";

/** Which server to test with. Without one such tests are skipped, but never in CI. */
export const binary = process.env.BELFRY_BIN;
if (!binary && process.env.CI) throw new Error("Say in BELFRY_BIN which server to test with.");

export interface Somebody {
  user: User;
  token: string;
}

/** The real server with people who talk to it. */
export class RealServer extends ServerProcess {
  #clients: Client[] = [];

  rest(who?: Somebody): Rest {
    return createRest({ baseUrl: `${this.url}/api/v1`, token: async () => who?.token ?? null });
  }

  async register(name: string): Promise<Somebody> {
    const body = {
      name,
      email: `${name.toLowerCase()}@example.org`,
      password: "a long enough password",
      session: "body",
    };
    const granted = await this.rest().call<{ user: User; access_token: string }>("POST", "/auth/register", { body });
    return { user: granted.user, token: granted.access_token };
  }

  connect(who?: Somebody, options: ClientOptions = {}): Client {
    const client = createClient({
      url: `${this.url.replace("http", "ws")}/ws`,
      token: async () => who?.token ?? null,
      WebSocket: WebSocket as unknown as SocketConstructor,
      ...options,
    });
    this.#clients.push(client);
    client.connect();
    return client;
  }

  override async remove(): Promise<void> {
    for (const client of this.#clients) client.close();
    await super.remove();
  }
}

/** Resolves when it holds, at the next change that makes it hold. */
export function until(
  what: string | (() => string),
  listen: (check: () => void) => () => void,
  holds: () => boolean,
): Promise<void> {
  return new Promise((done, failed) => {
    const told = () => `It never came about: ${typeof what === "string" ? what : what()}`;
    const timer = setTimeout(() => failed(new Error(told())), 30_000);
    const check = () => {
      if (!holds()) return;
      clearTimeout(timer);
      off();
      done();
    };
    const off = listen(check);
    queueMicrotask(check);
  });
}

export const becomes = (client: Client, status: string): Promise<void> =>
  until(
    `the client is ${status}, not ${client.state.status}`,
    (check) => client.on("state", check),
    () => client.state.status === status,
  );
