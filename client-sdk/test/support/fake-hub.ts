import type { ErrorBody } from "../../src/errors.js";
import type {
  ChannelEvent,
  ClientMessage,
  Comment,
  Person,
  Post,
  ServerMessage,
  Subscribed,
  Subscription,
  User,
} from "../../src/protocol.js";

export class Refusal extends Error {
  constructor(
    readonly body: ErrorBody,
    readonly status = 400,
  ) {
    super(body.code);
  }
}

const refuse = (code: string, status: number, detail = code): never => {
  throw new Refusal({ code, detail }, status);
};

export interface Account extends User {
  email: string;
  password: string;
}

/** What is stored: all of it is plain data, so that a dev server can write it to a file. */
export interface HubData {
  epoch: string;
  users: Account[];
  /** By access token. Removed, the token is refused. */
  tokens: Record<string, { userId: number; session: string }>;
  /** Session by refresh token. */
  refresh: Record<string, string>;
  sessions: Record<string, { userId: number; ended?: boolean }>;
  posts: Post[];
  comments: Comment[];
  logs: Record<string, ChannelEvent[]>;
  lastId: number;
}

/** One socket as the hub sees it. */
export interface HubLink {
  send(message: ServerMessage | { type: string }): void;
  close(code: number, reason?: string): void;
}

export class HubSocket {
  user: User | null = null;
  session = "";
  welcomed = false;
  readonly channels = new Set<string>();
  /** Everything that came from the client, in order. */
  readonly received: ClientMessage[] = [];

  constructor(readonly link: HubLink) {}

  send(message: ServerMessage | { type: string }): void {
    this.link.send(message);
  }
}

/**
 * A server that speaks the wire contract in process: enough of it to hold the SDK to. Tests steer it through its public
 * fields; nothing happens in it by itself, not even heartbeats.
 */
export class FakeHub {
  data: HubData = {
    epoch: "epoch-1",
    users: [],
    tokens: {},
    refresh: {},
    sessions: {},
    posts: [],
    comments: [],
    logs: {},
    lastId: 0,
  };
  readonly sockets = new Set<HubSocket>();
  heartbeatMs = 20_000;
  tokenLifeMs = 900_000;
  /** How many events a resume can go back. */
  tail = 1024;
  /** New connections fail while it is set. */
  down = false;
  /** Sees each message before the hub; true swallows it. */
  intercept: ((socket: HubSocket, message: ClientMessage) => boolean | void) | null = null;
  /** Called after every change of `data`. */
  changed: () => void = () => {};

  constructor(private now: () => number = Date.now) {}

  time = (): string => new Date(this.now()).toISOString();

  // People

  addUser(name: string, email = `${name.toLowerCase()}@example.org`, password = "correct horse"): Account {
    const id = ++this.data.lastId;
    const account: Account = {
      id,
      name,
      handle: name.toLowerCase().replace(/\W/g, "_"),
      avatar_url: null,
      role: "user",
      email,
      password,
    };
    this.data.users.push(account);
    this.changed();
    return account;
  }

  /** A new session and its first tokens. */
  signIn(user: { id: number }): { token: string; refreshToken: string; session: string } {
    const session = `s${++this.data.lastId}`;
    this.data.sessions[session] = { userId: user.id };
    return { session, ...this.issue(session) };
  }

  issue(session: string): { token: string; refreshToken: string } {
    const token = `access-${++this.data.lastId}`;
    const refreshToken = `refresh-${++this.data.lastId}`;
    this.data.tokens[token] = { userId: this.data.sessions[session]!.userId, session };
    this.data.refresh[refreshToken] = session;
    this.changed();
    return { token, refreshToken };
  }

  endSession(session: string): void {
    this.data.sessions[session]!.ended = true;
    for (const [token, of] of Object.entries(this.data.tokens))
      if (of.session === session) delete this.data.tokens[token];
    for (const socket of [...this.sockets]) if (socket.session === session) this.close(socket, 4403, "signed out");
    this.changed();
  }

  userOf(token: string | undefined | null): Account | null {
    const held = token ? this.data.tokens[token] : undefined;
    return held ? this.data.users.find(({ id }) => id === held.userId)! : null;
  }

  // Content

  addPost(author: Person, title = "A post", body = "Text"): Post {
    const post: Post = {
      id: ++this.data.lastId,
      title,
      body,
      html: html(body),
      url: null,
      page_key: null,
      author: face(author),
      tags: [],
      comment_count: 0,
      created_at: this.time(),
      updated_at: this.time(),
    };
    this.data.posts.push(post);
    this.data.logs[`post:${post.id}`] = [];
    this.changed();
    return post;
  }

  post(id: number): Post {
    return this.data.posts.find((post) => post.id === id) ?? refuse("not_found", 404);
  }

  addComment(
    author: Person,
    postId: number,
    body: string,
    parentId: number | null = null,
    key: string | null = null,
  ): Comment {
    const post = this.post(postId);
    if (!body.trim()) refuse("unprocessable", 422, "Write something.");
    const known = key && this.data.comments.find((comment) => comment.key === key && comment.author?.id === author.id);
    if (known) return known;
    const parent = parentId === null ? null : this.comment(parentId);
    const id = ++this.data.lastId;
    const seq = this.head(`post:${postId}`) + 1;
    const comment: Comment = {
      id,
      post_id: postId,
      parent_id: parentId,
      root_id: parent ? parent.root_id : id,
      depth: parent ? parent.depth + 1 : 0,
      author: face(author),
      body,
      html: html(body),
      created_at: this.time(),
      edited_at: null,
      deleted: false,
      reactions: {},
      reply_count: 0,
      key,
      seq,
      updated_seq: seq,
    };
    this.data.comments.push(comment);
    post.comment_count++;
    if (parent) parent.reply_count++;
    this.append(`post:${postId}`, "comment.created", {
      comment,
      comment_count: post.comment_count,
      parent: parent && { id: parent.id, reply_count: parent.reply_count },
    });
    return comment;
  }

  comment(id: number): Comment {
    return this.data.comments.find((comment) => comment.id === id) ?? refuse("not_found", 404);
  }

  editComment(user: Person, id: number, body: string): Comment {
    const comment = this.comment(id);
    if (comment.deleted) refuse("conflict", 409, "It was deleted.");
    if (comment.author?.id !== user.id) refuse("forbidden", 403);
    if (comment.body === body) return comment;
    Object.assign(comment, { body, html: html(body), edited_at: this.time() });
    const channel = `post:${comment.post_id}`;
    comment.updated_seq = this.head(channel) + 1;
    this.append(channel, "comment.updated", { comment });
    return comment;
  }

  deleteComment(user: Person, id: number): Comment {
    const comment = this.comment(id);
    if (comment.deleted) return comment;
    if (comment.author?.id !== user.id) refuse("forbidden", 403);
    Object.assign(comment, { body: "", html: "", author: null, deleted: true });
    const post = this.post(comment.post_id);
    post.comment_count--;
    const channel = `post:${comment.post_id}`;
    comment.updated_seq = this.head(channel) + 1;
    const parent = comment.parent_id === null ? null : this.comment(comment.parent_id);
    this.append(channel, "comment.deleted", {
      comment,
      comment_count: post.comment_count,
      parent: parent && { id: parent.id, reply_count: parent.reply_count },
    });
    return comment;
  }

  // Channels

  head(channel: string): number {
    return this.data.logs[channel]?.length ?? 0;
  }

  append(channel: string, kind: string, data: unknown): ChannelEvent {
    const log = (this.data.logs[channel] ??= []);
    const event: ChannelEvent = {
      type: "event",
      channel,
      seq: log.length + 1,
      kind,
      at: this.time(),
      data: structuredClone(data),
    };
    log.push(event);
    this.changed();
    for (const socket of this.sockets) if (socket.channels.has(channel)) socket.send(event);
    return event;
  }

  // Sockets

  accept(link: HubLink): HubSocket {
    const socket = new HubSocket(link);
    this.sockets.add(socket);
    return socket;
  }

  close(socket: HubSocket, code: number, reason = ""): void {
    this.sockets.delete(socket);
    socket.link.close(code, reason);
  }

  closeAll(code: number): void {
    for (const socket of [...this.sockets]) this.close(socket, code);
  }

  broadcast(message: ServerMessage | { type: string }): void {
    for (const socket of this.sockets) socket.send(message);
  }

  receive(socket: HubSocket, message: ClientMessage): void {
    if (!this.sockets.has(socket)) return;
    socket.received.push(message);
    if (this.intercept?.(socket, message)) return;
    try {
      this.#answer(socket, message);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      socket.send({ type: "error", id: message.id, error: thrown.body });
      if (message.type === "connect") this.close(socket, thrown.body.code === "forbidden" ? 4403 : 4401);
    }
  }

  #answer(socket: HubSocket, message: ClientMessage): void {
    const id = message.id!;
    if (message.type === "connect") return this.#welcome(socket, message);
    if (!socket.welcomed) refuse("unauthenticated", 401);
    switch (message.type) {
      case "ping":
        return socket.send({ type: "pong", id });
      case "subscribe":
        return socket.send({ type: "subscribed", id, ...this.#subscribe(socket, message) });
      case "unsubscribe":
        socket.channels.delete(message.channel);
        return this.#reply(socket, id, {});
      case "refresh": {
        if (this.userOf(message.token)?.id !== socket.user?.id) refuse("unauthenticated", 401);
        return this.#reply(socket, id, { expires_at: this.#expiry() });
      }
    }
    const user = socket.user ?? refuse("unauthenticated", 401, "Sign in first.");
    switch (message.type) {
      case "comment.create":
        return this.#reply(
          socket,
          id,
          this.addComment(user, message.post_id, message.body, message.parent_id ?? null, message.key ?? null),
        );
      case "comment.edit":
        return this.#reply(socket, id, this.editComment(user, message.comment_id, message.body));
      case "comment.delete":
        return this.#reply(socket, id, this.deleteComment(user, message.comment_id));
      default:
        return refuse("bad_request", 400, `Unknown type ${message.type}`);
    }
  }

  #reply(socket: HubSocket, id: number | undefined, data: unknown): void {
    if (id) socket.send({ type: "reply", id, data: structuredClone(data) });
  }

  #welcome(socket: HubSocket, message: Extract<ClientMessage, { type: "connect" }>): void {
    if (socket.user) refuse("conflict", 409);
    if (message.token) {
      const account = this.userOf(message.token) ?? refuse("unauthenticated", 401, "No such token.");
      socket.user = { ...face(account), role: account.role };
      socket.session = this.data.tokens[message.token]!.session;
    }
    socket.welcomed = true;
    const subscriptions = (message.subscriptions ?? []).map((asked) => {
      try {
        return this.#subscribe(socket, asked);
      } catch (thrown) {
        return { channel: asked.channel, error: (thrown as Refusal).body };
      }
    });
    socket.send({
      type: "welcome",
      id: message.id,
      connection: `c${++this.data.lastId}`,
      user: socket.user,
      heartbeat_ms: this.heartbeatMs,
      expires_at: socket.user && this.#expiry(),
      subscriptions,
    });
  }

  #expiry(): string {
    return new Date(this.now() + this.tokenLifeMs).toISOString();
  }

  #subscribe(socket: HubSocket, { channel, epoch, since }: Subscription): Subscribed {
    const named = channel === "me" && socket.user ? `user:${socket.user.id}` : channel;
    const [kind, id] = named.split(":");
    if (kind === "post") this.post(Number(id));
    else if (kind !== "user" || Number(id) !== socket.user?.id) refuse("forbidden", 403);
    const log = this.data.logs[named] ?? [];
    const head = log.length;
    const base = { channel: named, epoch: this.data.epoch, seq: head, head };
    if (socket.channels.has(named)) return { ...base, recovered: true, events: [] };
    socket.channels.add(named);
    const inTail = since !== undefined && epoch === this.data.epoch && since <= head && head - since <= this.tail;
    return { ...base, recovered: inTail, events: inTail ? structuredClone(log.slice(since)) : [] };
  }
}

export const face = ({ id, name, handle }: Person): Person => ({ id, name, handle, avatar_url: null });

const html = (body: string): string =>
  body
    .split(/\n{2,}/)
    .map(
      (text) =>
        `<p>${text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/\*(\w[^*]*)\*/g, "<em>$1</em>")}</p>`,
    )
    .join("\n");
