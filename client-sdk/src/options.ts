import { systemClock, type Clock } from "./clock.js";
import { jsonCodec, type Codec } from "./codec.js";
import type { SocketConstructor } from "./connection.js";
import { watchBrowserPage, type WatchPage } from "./page.js";

export interface AccessToken {
  token: string;
  /** What is left of its life, in milliseconds. Told here, no clock needs to agree with the server's. */
  expiresInMs?: number;
}

/**
 * Gives the token for one attempt to connect; null connects anonymously. `fresh` is true when the last token was refused or
 * is about to end: then a kept one will not do. A rejection with code `unauthenticated` or `forbidden` closes
 * the client; with anything else the attempt counts as failed and is made again.
 */
export type TokenSource = (ask: { fresh: boolean }) => Promise<AccessToken | string | null>;

export interface ClientOptions {
  /** Of the socket, `wss://…/ws`. By default `/ws` where the page came from. */
  url?: string;
  /** Without it the client is anonymous. */
  token?: TokenSource;
  /** Told to the server for its logs, `name/version`. */
  name?: string;
  /** `jsonCodec` by default; `msgpackCodec` is in `@belfry/client/msgpack`. */
  codec?: Codec;
  /** How long a question may stay without an answer on a live socket, in milliseconds. */
  requestTimeoutMs?: number;
  /** How long a token, and then a welcome, may take, in milliseconds. */
  openTimeoutMs?: number;
  /** The most commands that wait for an answer or a connection. */
  maxWaiting?: number;
  /** The first ceiling of the back-off, doubled with each failure, in milliseconds. */
  backOffBaseMs?: number;
  /** The last ceiling of the back-off, in milliseconds. */
  backOffCapMs?: number;
  /** A connection that lived this long, in milliseconds, starts the back-off anew. */
  stableMs?: number;
  WebSocket?: SocketConstructor;
  clock?: Clock;
  /** In [0, 1). */
  random?: () => number;
  watchPage?: WatchPage;
}

const ownSocketUrl = (): string => new URL("/ws", location.href).href.replace(/^http/, "ws");

/** @internal */
export const withDefaults = (options: ClientOptions): Required<ClientOptions> => ({
  token: async () => null,
  name: "belfry-js",
  codec: jsonCodec,
  requestTimeoutMs: 10_000,
  openTimeoutMs: 15_000,
  maxWaiting: 64,
  backOffBaseMs: 1_000,
  backOffCapMs: 30_000,
  stableMs: 5_000,
  clock: systemClock,
  random: Math.random,
  watchPage: watchBrowserPage,
  ...options,
  url: options.url ?? ownSocketUrl(),
  WebSocket: options.WebSocket ?? (globalThis.WebSocket as unknown as SocketConstructor),
});
