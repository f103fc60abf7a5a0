import type { Clock } from "./clock.js";
import type { Codec } from "./codec.js";
import { serverMessage, type ClientMessage, type ServerMessage, type UnknownMessage } from "./protocol.js";

/** The part of the browser's `WebSocket` that is used here. */
export interface SocketLike {
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | ArrayBufferView<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

export interface ConnectionOptions {
  url: string;
  codec: Codec;
  WebSocket: SocketConstructor;
  clock: Clock;
  /** Until the first message, in milliseconds. */
  openTimeoutMs: number;
  onOpen(): void;
  onMessage(message: ServerMessage | UnknownMessage): void;
  /** Exactly once, unless `close` was called first. */
  onClose(code: number, reason: string): void;
}

/**
 * One socket's life: open, frames, silence, close. It knows no rooms and no commands, and it is never used
 * again once closed.
 */
export class Connection {
  #socket: SocketLike;
  #timer: unknown;
  #heard: number;
  #patienceMs: number;

  constructor(private options: ConnectionOptions) {
    const { clock, codec, url, WebSocket } = options;
    this.#heard = clock.now();
    this.#patienceMs = options.openTimeoutMs;
    const socket = (this.#socket = new WebSocket(url, [codec.protocol]));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => options.onOpen();
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#end(code, reason);
    // A close always follows; but a socket of Node's `ws` that nobody listens to would end the process.
    socket.onerror = () => {};
    this.#watch();
  }

  send = (message: ClientMessage): void => {
    this.#socket.send(this.options.codec.encode(message));
  };

  /** From now on, a silence longer than this counts as a cut. */
  expectWithin(ms: number): void {
    this.#patienceMs = ms;
    this.#watch();
  }

  /** Closes without a word to `onClose`. */
  close(): void {
    const socket = this.#socket;
    this.options.clock.clearTimeout(this.#timer);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }

  #receive(data: unknown): void {
    this.#heard = this.options.clock.now();
    let message: ServerMessage | UnknownMessage | null = null;
    try {
      message = serverMessage(this.options.codec.decode(data));
    } catch {
      // Not a message: if an event was lost with it, the next one's seq shows the hole.
    }
    if (message) this.options.onMessage(message);
  }

  /**
   * One timer, set again only when it fires, not with each message. The socket's own close may take a minute to
   * notice that the network is gone, so its end is told here and now.
   */
  #watch(): void {
    const { clock } = this.options;
    clock.clearTimeout(this.#timer);
    const left = this.#heard + this.#patienceMs - clock.now();
    if (left <= 0) this.#end(1006, "Nothing was heard for too long.");
    else this.#timer = clock.setTimeout(() => this.#watch(), left);
  }

  #end(code: number, reason: string): void {
    this.close();
    this.options.onClose(code, reason);
  }
}
