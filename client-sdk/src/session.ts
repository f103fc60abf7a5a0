import { systemClock, type Clock } from "./clock.js";
import { Emitter } from "./emitter.js";
import { asBelfryError } from "./errors.js";
import type { AccessToken, TokenSource } from "./options.js";
import type { User } from "./protocol.js";
import { Rest } from "./rest.js";

interface Granted {
  user: User;
  access_token: string;
  /** Seconds. */
  expires_in: number;
}

export interface SessionOptions {
  baseUrl?: string;
  fetch?: typeof fetch;
  clock?: Clock;
  /**
   * Where to note that there may be a session to take up, so that a visitor who never signed in costs no request. Holds no
   * secret. By default `localStorage`.
   */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** Runs one refresh at a time over all tabs. By default the browser's Web Locks, where there are any. */
  lock?: <Result>(run: () => Promise<Result>) => Promise<Result>;
}

export interface SessionEvents {
  /** Somebody signed in, or out, or turned out to be signed out; null is nobody. */
  user: User | null;
}

const NOTE = "belfry.session";
/** A token with less than this left is not handed out any more, in milliseconds. */
const MARGIN_MS = 10_000;

const tabLock = <Result>(run: () => Promise<Result>): Promise<Result> =>
  globalThis.navigator?.locks ? (navigator.locks.request("belfry.refresh", run) as Promise<Result>) : run();

/**
 * Who is signed in, for pages at the server's own origin. The access token lives in memory alone; the refresh token is a cookie
 * that scripts cannot read. However many ask at once, one refresh is made; tabs that do it at the same time are
 * told the same by the server for 10 s.
 */
export class Session extends Emitter<SessionEvents> {
  /** Undefined until the first `token()` is answered. */
  user: User | null | undefined;
  /**
   * Why somebody is nobody now without having signed out here: `unauthenticated`, the session was ended or ran out;
   * `forbidden`, this person is banned. Undefined from the next sign-in on.
   */
  ended: "unauthenticated" | "forbidden" | undefined;

  #clock;
  #rest;
  #storage;
  #lock;
  #access: { token: string; endsAt: number } | null = null;
  #refreshing: Promise<void> | null = null;
  /** Changes with every sign-in and sign-out: a refresh that began before it has nothing to say. */
  #turn = 0;

  constructor(options: SessionOptions = {}) {
    super();
    this.#clock = options.clock ?? systemClock;
    this.#rest = new Rest({
      ...options,
      clock: this.#clock,
      token: async () => (this.#left() > 0 ? this.#access : null),
    });
    this.#storage = options.storage ?? globalThis.localStorage;
    this.#lock = options.lock ?? tabLock;
  }

  /** A token source for `createClient` and `createRest`. Rejects when the server cannot be reached. */
  token: TokenSource = async ({ fresh }): Promise<AccessToken | null> => {
    if (this.user === null || (!this.#access && !this.#storage.getItem(NOTE))) {
      this.#become(null);
      return null;
    }
    if (fresh || this.#left() < MARGIN_MS) {
      this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
      await this.#refreshing;
    }
    const access = this.#access;
    return access && { token: access.token, expiresInMs: this.#left() };
  };

  register(person: { name: string; email: string; password: string; handle?: string }): Promise<User> {
    return this.#enter("/auth/register", person);
  }

  login(credentials: { email: string; password: string }): Promise<User> {
    return this.#enter("/auth/login", credentials);
  }

  /** Ends the session; with `everywhere`, all of this person's. Their sockets close with 4403. */
  async logout(options: { everywhere?: boolean } = {}): Promise<void> {
    const query = { everywhere: options.everywhere ? "true" : null };
    try {
      await this.#rest.call("POST", "/auth/logout", { query });
    } catch (thrown) {
      if (asBelfryError(thrown).code !== "unauthenticated") throw thrown;
    }
    this.forget();
  }

  /** The session was ended elsewhere: be nobody, without asking the server. */
  forget(): void {
    this.#turn++;
    this.#access = null;
    this.#storage.removeItem(NOTE);
    this.#become(null);
  }

  async #enter(path: string, body: unknown): Promise<User> {
    const granted = await this.#rest.call<Granted>("POST", path, { body, signedIn: false });
    this.#turn++;
    this.#grant(granted);
    return granted.user;
  }

  async #refresh(): Promise<void> {
    const turn = this.#turn;
    try {
      const granted = await this.#lock(() => this.#rest.call<Granted>("POST", "/auth/refresh", { signedIn: false }));
      if (turn === this.#turn) this.#grant(granted);
    } catch (thrown) {
      const { code } = asBelfryError(thrown);
      if (turn !== this.#turn) return;
      if (code !== "unauthenticated" && code !== "forbidden") throw thrown;
      this.ended = code as "unauthenticated" | "forbidden";
      this.forget();
    }
  }

  #grant({ user, access_token, expires_in }: Granted): void {
    this.#access = { token: access_token, endsAt: this.#clock.now() + expires_in * 1_000 };
    this.#storage.setItem(NOTE, "1");
    this.ended = undefined;
    this.#become(user);
  }

  #become(user: User | null): void {
    const before = this.user;
    this.user = user;
    if (before === undefined || before?.id !== user?.id) this.emit("user", user);
  }

  #left(): number {
    return this.#access ? this.#access.endsAt - this.#clock.now() : 0;
  }
}

/** The session of this browser with the server at the page's own origin. */
export const createSession = (options?: SessionOptions): Session => new Session(options);
