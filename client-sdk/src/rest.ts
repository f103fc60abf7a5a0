import { systemClock, type Clock } from "./clock.js";
import { BelfryError } from "./errors.js";
import type { PageCount } from "./generated/rest.js";
import type { Ban, Comment, Notification, Person, Position, Post, Reactions, Unread } from "./model.js";

export type { PageCount };

/** What the server answers instead of a result (RFC 9457). */
export class ProblemError extends BelfryError {
  override name = "ProblemError";

  constructor(
    /** The HTTP status. */
    readonly status: number,
    problem: { code?: string; title?: string; detail?: string; request_id?: string; errors?: FieldError[] },
    retryAfterMs?: number,
  ) {
    super(
      problem.code ?? (status >= 500 ? "unavailable" : "bad_request"),
      problem.detail ?? problem.title,
      retryAfterMs,
    );
    this.requestId = problem.request_id;
    this.errors = problem.errors ?? [];
  }

  /** Quote it when you report a fault. */
  readonly requestId: string | undefined;
  /** What is wrong with which field, for validation errors. */
  readonly errors: FieldError[];
}

export interface FieldError {
  /** A JSON pointer into the body, `/email`. */
  pointer: string;
  detail: string;
}

export interface Page<Item> {
  items: Item[];
  /** Give it back as `cursor` for what follows; null at the end. */
  next_cursor: string | null;
}

/** `top`: by the number of reactions, most first. It may repeat or skip while votes change: drop what you hold. */
export type CommentSort = "oldest" | "newest" | "top";

export interface CommentsPage {
  limit?: number;
  cursor?: string | null;
  sort?: CommentSort;
  parentId?: number;
  /** 0 to 10. */
  replies?: number;
}

export interface RestOptions {
  /** By default `/api/v1` where the page came from. */
  baseUrl?: string;
  /** The access token, or null. Asked again with `fresh` when the server refuses one. */
  token?: (ask: { fresh: boolean }) => Promise<{ token: string } | string | null>;
  fetch?: typeof fetch;
  /** Until an answer, in milliseconds. */
  timeoutMs?: number;
  clock?: Clock;
}

export interface CallOptions {
  query?: Record<string, string | number | undefined | null>;
  body?: unknown;
  /** `Idempotency-Key`: with it, a repeated POST creates nothing new. */
  key?: string;
  /** False for calls that need nobody signed in. */
  signedIn?: boolean;
}

/** The REST side. Every method rejects with a `ProblemError`, or a `BelfryError` of code `network` or `timeout`. */
export class Rest {
  #options;

  constructor(options: RestOptions = {}) {
    this.#options = {
      baseUrl: "/api/v1",
      token: async () => null,
      timeoutMs: 15_000,
      clock: systemClock,
      ...options,
      fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    };
  }

  /** Newest first. `q`: words of title or body, in any case. */
  posts(
    page: { limit?: number; cursor?: string | null; q?: string | null; tag?: string | null } = {},
  ): Promise<Page<Post>> {
    return this.call("GET", "/posts", { query: page });
  }

  post(id: number): Promise<Post & Position> {
    return this.call("GET", `/posts/${id}`);
  }

  /** How many comments the threads of these pages have, 100 at most; pages without a thread are left out. */
  pageCounts(pageKeys: string[]): Promise<Page<PageCount>> {
    return this.call("GET", "/posts", { query: { page_keys: pageKeys.join(",") } });
  }

  /** The post that stands for a page of one's own site; made when it is first asked for. */
  postByKey(page: { page_key: string; title?: string; url?: string }): Promise<Post & Position> {
    return this.call("PUT", "/posts/by-key", { body: page });
  }

  createPost(post: { title: string; body: string; tags?: string[] }, key?: string): Promise<Post> {
    return this.call("POST", "/posts", { body: post, key });
  }

  updatePost(id: number, changes: { title?: string; body?: string; tags?: string[] }): Promise<Post> {
    return this.call("PATCH", `/posts/${id}`, { body: changes });
  }

  deletePost(id: number): Promise<void> {
    return this.call("DELETE", `/posts/${id}`);
  }

  /** The post's author and those who commented; `q` is a part of a handle or a name. */
  people(postId: number, query: { q?: string; limit?: number } = {}): Promise<{ items: Person[] }> {
    return this.call("GET", `/posts/${postId}/people`, { query });
  }

  /**
   * Comments of a post: all of them flat, by id; with `parentId` 0 the roots, with another the direct replies to it. With
   * `replies` each brings so many of its oldest replies along, two levels deep; go on from their `next_cursor` with that
   * comment as `parentId` and `sort` `oldest`. Subscribe to `post:{id}` from the position that comes with them.
   */
  comments(postId: number, page: CommentsPage = {}): Promise<Page<Comment> & Position> {
    const { parentId, ...query } = page;
    return this.call("GET", `/posts/${postId}/comments`, { query: { ...query, parent_id: parentId } });
  }

  comment(id: number): Promise<Comment & { epoch: string }> {
    return this.call("GET", `/comments/${id}`);
  }

  /** Puts an emoji on a comment, or takes it away; twice is once. */
  react(commentId: number, emoji: string, on: boolean): Promise<Reactions> {
    return this.call(on ? "PUT" : "DELETE", `/comments/${commentId}/reactions/${encodeURIComponent(emoji)}`);
  }

  /** One's own inbox, newest first. Join the room `me` from the position that comes with it. */
  notifications(
    page: { limit?: number; cursor?: string | null; unread?: boolean } = {},
  ): Promise<Page<Notification> & Position & { unread: number }> {
    return this.call("GET", "/notifications", { query: { ...page, unread: page.unread ? "true" : null } });
  }

  readNotifications(ids: number[] | "all"): Promise<Unread> {
    return this.call("POST", "/notifications/read", { body: ids === "all" ? { all: true } : { ids } });
  }

  /** Takes it out of the inbox for good. */
  dismissNotification(id: number): Promise<void> {
    return this.call("DELETE", `/notifications/${id}`);
  }

  /** For moderators: this person may do nothing any more, until a time or until it is lifted. */
  ban(userId: number, ban: { until?: string | null; reason?: string | null } = {}): Promise<void> {
    return this.call("PUT", `/users/${userId}/ban`, { body: ban });
  }

  unban(userId: number): Promise<void> {
    return this.call("DELETE", `/users/${userId}/ban`);
  }

  /** For moderators: who is banned, newest first. */
  bans(page: { limit?: number; cursor?: string | null } = {}): Promise<Page<Ban>> {
    return this.call("GET", "/bans", { query: page });
  }

  /** Any call under the base URL; a 204 resolves with undefined. */
  async call<Result>(method: string, path: string, options: CallOptions = {}): Promise<Result> {
    const { token, timeoutMs } = this.#options;
    const asks = options.signedIn !== false;
    let response = await this.#fetch(method, path, options, asks ? await token({ fresh: false }) : null);
    if (response.status === 401 && asks) {
      const fresh = await token({ fresh: true });
      if (fresh) response = await this.#fetch(method, path, options, fresh);
    }
    const body = response.status === 204 ? undefined : await response.json().catch(() => undefined);
    if (response.ok && (body !== undefined || response.status === 204)) return body as Result;
    if (response.ok) throw new BelfryError("network", `No whole answer within ${timeoutMs} ms.`);
    const seconds = Number(response.headers.get("Retry-After"));
    throw new ProblemError(response.status, body ?? {}, seconds > 0 ? seconds * 1_000 : undefined);
  }

  async #fetch(
    method: string,
    path: string,
    { query = {}, body, key }: CallOptions,
    token: { token: string } | string | null,
  ): Promise<Response> {
    const { baseUrl, clock, fetch, timeoutMs } = this.#options;
    const pairs = Object.entries(query).filter(([, value]) => value != null) as [string, string][];
    const search = pairs.length ? `?${new URLSearchParams(pairs)}` : "";
    const headers: Record<string, string> = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    if (token) headers.Authorization = `Bearer ${typeof token === "string" ? token : token.token}`;
    const abort = new AbortController();
    const timer = clock.setTimeout(() => abort.abort(), timeoutMs);
    try {
      return await fetch(baseUrl + path + search, {
        method,
        headers,
        signal: abort.signal,
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (thrown) {
      throw abort.signal.aborted
        ? new BelfryError("timeout", "The server did not answer in time.")
        : new BelfryError("network", String(thrown));
    } finally {
      clock.clearTimeout(timer);
    }
  }
}

/** The REST side with these options. */
export const createRest = (options?: RestOptions): Rest => new Rest(options);
