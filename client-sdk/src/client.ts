import { Commands } from "./commands.js";
import { Connection } from "./connection.js";
import type { Off } from "./emitter.js";
import { asBelfryError, BelfryError, errorFrom } from "./errors.js";
import { withDefaults, type AccessToken, type ClientOptions } from "./options.js";
import { Outbox } from "./outbox.js";
import type { PageSign } from "./page.js";
import {
  isKnown,
  type Command,
  type Refused,
  type ServerMessage,
  type Signal,
  type Subscribed,
  type UnknownMessage,
  type User,
  type Welcome,
} from "./protocol.js";
import { backOffMs, closeAction } from "./reconnect.js";
import { Requests } from "./requests.js";
import type { Room } from "./room.js";
import { Rooms } from "./rooms.js";
import { TokenLife } from "./token-life.js";

/** `typing` is sent no more often than this, in milliseconds. */
const TYPING_MS = 3_000;

/**
 * - `idle`: not started yet.
 * - `connecting`: a token or a socket is being fetched.
 * - `connected`: signed in (or anonymous), rooms resumed.
 * - `waiting`: cut; the next attempt is at `retryAt`.
 * - `dormant`: this user has too many sockets; it comes back when the page is next used, or at `connect()`.
 * - `closed`: by `close()`, or for good by the server (`code` and `reason` say why). `connect()` starts again.
 */
export type ClientStatus = "idle" | "connecting" | "connected" | "waiting" | "dormant" | "closed";

export interface ClientState {
  status: ClientStatus;
  /** The close code behind `waiting`, `dormant` or `closed`. */
  code?: number;
  reason?: string;
  /** Of the clock, in milliseconds; with `waiting`. */
  retryAt?: number;
}

export interface ClientEvents {
  state: ClientState;
  /** With each welcome: who this client is signed in as now; null is nobody. */
  user: User | null;
  /** Every message of the server, known or not, before anything else is done with it. */
  message: ServerMessage | UnknownMessage;
}

/**
 * A connection to a Belfry server that comes back by itself. Rooms resume where they stood; commands given while it is away wait,
 * in order and up to a bound, and are sent again until they are answered.
 */
export class Client extends Commands<ClientEvents> {
  state: ClientState = { status: "idle" };
  /** As of the last welcome; undefined before the first. */
  user: User | null | undefined;

  #options;
  #requests;
  #outbox;
  #rooms;
  #tokenLife;
  #connection: Connection | undefined;
  /** The rooms that stand in the `connect` of this socket; null until it is sent. */
  #asked: Room[] | null = null;
  #timer: unknown;
  /** Changes when what an attempt awaited is no longer wanted. */
  #turn = 0;
  #attempt = 0;
  #lastCode = 1006;
  #welcomedAt: number | null = null;
  #notBefore = 0;
  /** This socket was told that its server is about to restart. */
  #sentAway = false;
  #needsFreshToken = false;
  #unwatch: Off | undefined;
  /** When this socket last told of typing, by channel. */
  #typed = new Map<string, number>();

  constructor(options: ClientOptions = {}) {
    super();
    const filled = (this.#options = withDefaults(options));
    this.#requests = new Requests(filled.clock, filled.requestTimeoutMs);
    this.#outbox = new Outbox(this.#requests, filled.maxWaiting);
    this.#rooms = new Rooms({
      subscribe: (room) => this.#asked && this.#subscribe(room),
      unsubscribe: ({ channel }) => this.#asked && this.#connection!.send({ type: "unsubscribe", channel }),
      clock: filled.clock,
      userId: () => this.user?.id,
    });
    this.#tokenLife = new TokenLife(filled, (token) => this.#refresh(token));
  }

  /** Starts, or starts again after a close. Does nothing while it is under way. */
  connect(): void {
    const { status } = this.state;
    if (status === "connecting" || status === "connected") return;
    this.#unwatch ??= this.#options.watchPage((sign) => this.#pageSign(sign));
    void this.#open();
  }

  /** Closes for good: every command that waits is rejected with `closed`. */
  close(): void {
    this.#drop();
    this.#stop(1000, "");
  }

  /**
   * Call it when the person at the page signed in, signed out or became somebody else: the client asks for a token
   * again and goes on as that person, with the same rooms. Anonymous sockets are signed in as they stand.
   */
  async reauthenticate(): Promise<void> {
    this.#outbox.userChanges();
    if (this.state.status === "idle") return;
    if (this.state.status !== "connected" || this.user) {
      this.#drop();
      this.state = { status: "idle" };
      return this.connect();
    }
    const turn = this.#turn;
    const token = await this.#fetchToken().catch(() => null);
    if (turn === this.#turn && token) this.#hello(token, []);
  }

  /**
   * The room of a channel, `post:42` or `me`; always the same one for the same name. With `presence` it shows who is here,
   * and shows this person to others; asked for once, it stays so for all who hold the room.
   */
  room(channel: string, options: { presence?: boolean } = {}): Room {
    const room = this.#rooms.get(channel);
    if (options.presence) room.showPresence();
    return room;
  }

  request(command: Command): Promise<unknown> {
    if (this.state.status === "closed") return Promise.reject(new BelfryError("closed", this.state.reason));
    if (this.state.status === "dormant") this.connect();
    return this.#outbox.push(command);
  }

  /** Sends what is worth something only now. False when there is no connection to send it on. */
  signal(signal: Signal): boolean {
    if (this.state.status !== "connected") return false;
    this.#connection!.send(signal);
    return true;
  }

  /**
   * Tells those in a joined `post:` room that one writes; it ends by itself. Call it with each keystroke: it is sent once in
   * 3 s. False when there is nobody to tell: no connection, not signed in, not in that room.
   */
  typing(channel: string): boolean {
    const room = this.#rooms.get(channel);
    if (!this.user || room.state !== "live" || this.state.status !== "connected") return false;
    const now = this.#options.clock.now();
    if (now - (this.#typed.get(channel) ?? -Infinity) < TYPING_MS) return true;
    this.#typed.set(channel, now);
    return this.signal({ type: "typing", channel });
  }

  async #open(): Promise<void> {
    const { clock, codec, openTimeoutMs, url, WebSocket } = this.#options;
    const turn = ++this.#turn;
    clock.clearTimeout(this.#timer);
    this.#set({ status: "connecting" });
    this.#timer = clock.setTimeout(() => this.#closed(1006, "No token in time."), openTimeoutMs);
    let token: AccessToken | null;
    try {
      token = await this.#fetchToken();
    } catch (thrown) {
      if (turn !== this.#turn) return;
      const { code, message } = asBelfryError(thrown);
      if (code === "unauthenticated" || code === "forbidden") this.#stop(4403, message);
      else this.#closed(1006, message);
      return;
    }
    if (turn !== this.#turn) return;
    clock.clearTimeout(this.#timer);
    this.#connection = new Connection({
      clock,
      codec,
      openTimeoutMs,
      url,
      WebSocket,
      onOpen: () => {
        this.#asked = this.#rooms.wanted();
        this.#hello(token, this.#asked);
      },
      onMessage: (message) => this.#receive(message),
      onClose: (code, reason) => this.#closed(code, reason),
    });
  }

  async #fetchToken(): Promise<AccessToken | null> {
    const given = await this.#options.token({ fresh: this.#needsFreshToken });
    this.#needsFreshToken = false;
    return typeof given === "string" ? { token: given } : given;
  }

  #hello(token: AccessToken | null, rooms: Room[]): void {
    const id = this.#requests.ask((error, answer) => {
      if (!error) this.#welcome(answer as Welcome, token, rooms);
      // Of these two the server makes a close code; anything else would leave a socket of no use.
      else if (error.code !== "unauthenticated" && error.code !== "forbidden") {
        this.#notBefore = this.#options.clock.now() + (error.retryAfterMs ?? 0);
        this.#drop();
        this.#closed(4500, error.message);
      }
    });
    this.#connection!.send({
      type: "connect",
      id,
      client: this.#options.name,
      ...(token ? { token: token.token } : {}),
      ...(rooms.length ? { subscriptions: rooms.map((room) => room.request) } : {}),
    });
  }

  #welcome(welcome: Welcome, token: AccessToken | null, rooms: Room[]): void {
    const connection = this.#connection!;
    connection.expectWithin(2 * welcome.heartbeat_ms);
    this.#welcomedAt = this.#options.clock.now();
    this.#tokenLife.start(token, welcome.expires_at);
    this.#outbox.open(connection.send, welcome.user?.id ?? null);
    this.user = welcome.user;
    this.#set({ status: "connected" });
    this.emit("user", welcome.user);
    welcome.subscriptions.forEach((answer, at) => rooms[at] && this.#answerRoom(rooms[at], answer));
  }

  #subscribe(room: Room): void {
    const id = this.#requests.ask((error, answer) => {
      this.#answerRoom(
        room,
        error
          ? {
              channel: room.channel,
              error: { code: error.code, detail: error.message, retry_after_ms: error.retryAfterMs },
            }
          : (answer as Subscribed),
      );
    });
    this.#connection!.send({ type: "subscribe", id, ...room.request });
  }

  #answerRoom(room: Room, answer: Subscribed | Refused): void {
    const { error } = answer as Refused;
    if (!error) {
      this.#rooms.alias(answer.channel, room);
      room.subscribed(answer as Subscribed);
    } else if (["rate_limited", "unavailable", "internal", "timeout"].includes(error.code)) {
      const turn = this.#turn;
      const again = () => turn === this.#turn && room.state === "joining" && this.#subscribe(room);
      this.#options.clock.setTimeout(again, (error.retry_after_ms ?? 0) + 2_000 * this.#options.random());
    } else room.refused(answer as Refused);
  }

  #receive(message: ServerMessage | UnknownMessage): void {
    this.emit("message", message);
    if (!isKnown(message)) return this.#rooms.route(message);
    switch (message.type) {
      case "welcome":
        this.#requests.answer(message.id!, null, message);
        break;
      case "reply":
        this.#requests.answer(message.id, null, message.data);
        break;
      case "error":
        this.#requests.answer(message.id!, errorFrom(message.error));
        break;
      case "subscribed":
        this.#requests.answer(message.id, null, message);
        break;
      case "going_away":
        this.#notBefore = this.#options.clock.now() + message.reconnect_after_ms;
        this.#sentAway = true;
        break;
      default:
        this.#rooms.route(message);
    }
  }

  #refresh(token: AccessToken): void {
    // Refused, the socket lives on until its old token ends and is then closed with 4401.
    const id = this.#requests.ask((error, answer) => {
      if (!error) this.#tokenLife.start(token, (answer as { expires_at: string }).expires_at);
    });
    this.#connection!.send({ type: "refresh", id, token: token.token });
  }

  /** Leaves the socket, if any, as if it had been cut, and awaits nothing more. */
  #drop(): void {
    this.#turn++;
    this.#connection?.close();
    this.#connection = undefined;
    this.#asked = null;
    this.#options.clock.clearTimeout(this.#timer);
    this.#tokenLife.stop();
    this.#requests.forget();
    this.#typed.clear();
    this.#outbox.close();
    this.#rooms.cut();
  }

  #closed(code: number, reason: string): void {
    const { clock, stableMs } = this.#options;
    this.#drop();
    const stood = this.#welcomedAt !== null && clock.now() - this.#welcomedAt >= stableMs;
    // A planned close is no failure, however young the connection: servers may restart one after the other.
    if (stood || this.#sentAway) this.#attempt = 0;
    this.#welcomedAt = null;
    this.#sentAway = false;
    this.#lastCode = code;
    const action = closeAction(code);
    if (action === "stop") return this.#stop(code, reason);
    if (action === "wait_for_use") return this.#set({ status: "dormant", code, reason });
    this.#needsFreshToken ||= action === "reauthenticate";
    this.#wait(reason);
  }

  #wait(reason: string | undefined): void {
    const { backOffBaseMs, backOffCapMs, clock, random } = this.#options;
    const now = clock.now();
    const ms = backOffMs({
      attempt: this.#attempt++,
      code: this.#lastCode,
      notBeforeMs: this.#notBefore - now,
      random: random(),
      baseMs: backOffBaseMs,
      capMs: backOffCapMs,
    });
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(() => void this.#open(), ms);
    this.#set({ status: "waiting", code: this.#lastCode, reason, retryAt: now + ms });
  }

  #stop(code: number, reason: string): void {
    this.#turn++;
    this.#options.clock.clearTimeout(this.#timer);
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#attempt = this.#notBefore = 0;
    this.#set({ status: "closed", code, reason });
    this.#outbox.abandon(new BelfryError("closed", reason || "The connection was closed."));
  }

  #pageSign(sign: PageSign): void {
    if (this.state.status === "dormant") void this.#open();
    else if (this.state.status === "waiting" && sign === "return") {
      this.#attempt = 0;
      this.#wait(this.state.reason);
    }
  }

  #set(state: ClientState): void {
    this.state = state;
    this.emit("state", state);
  }
}

/** A client with these options; nothing happens until `connect()`. */
export const createClient = (options?: ClientOptions): Client => new Client(options);
