import type { ChannelEvent, ClientMessage, ServerMessage, Subscribed, Subscription, User } from "../../src/protocol.js";
import { FakeContent } from "./fake-content.js";
import { face, Refusal, refuse, type Account } from "./fake-data.js";
import { FakePresence } from "./fake-presence.js";

export { Refusal, type Account, type HubData } from "./fake-data.js";

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
  /** Those of them with `presence`. */
  readonly present = new Set<string>();
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
export class FakeHub extends FakeContent {
  readonly sockets = new Set<HubSocket>();
  readonly presence = new FakePresence(this.sockets, () => this.now());
  heartbeatMs = 20_000;
  tokenLifeMs = 900_000;
  /** How many events a resume can go back. */
  tail = 1024;
  /** New connections fail while it is set. */
  down = false;
  /** Brings each frame to its client: soon, unless told otherwise. */
  wire: (deliver: () => void) => void = queueMicrotask;
  /** Sees each message before the hub; true swallows it. */
  intercept: ((socket: HubSocket, message: ClientMessage) => boolean | void) | null = null;

  endSession(session: string, reason = "signed out"): void {
    this.data.sessions[session]!.ended = true;
    for (const [token, of] of Object.entries(this.data.tokens))
      if (of.session === session) delete this.data.tokens[token];
    for (const socket of [...this.sockets]) if (socket.session === session) this.close(socket, 4403, reason);
    this.changed();
  }

  ban(person: Account, ban: NonNullable<Account["banned"]>): void {
    person.banned = ban;
    for (const socket of [...this.sockets]) if (socket.user?.id === person.id) this.close(socket, 4403, "banned");
    this.changed();
  }

  protected deliver(event: ChannelEvent): void {
    for (const socket of this.sockets) if (socket.channels.has(event.channel)) socket.send(event);
  }

  // Sockets

  accept(link: HubLink): HubSocket {
    const socket = new HubSocket(link);
    this.sockets.add(socket);
    return socket;
  }

  /** The socket is gone; whoever was there only with it is gone too. */
  gone(socket: HubSocket): void {
    this.sockets.delete(socket);
    for (const channel of socket.present) this.presence.changed(channel);
  }

  close(socket: HubSocket, code: number, reason = ""): void {
    this.gone(socket);
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
    const reply = (data: unknown) => id && socket.send({ type: "reply", id, data: structuredClone(data) });
    switch (message.type) {
      case "ping":
        return socket.send({ type: "pong", id });
      case "subscribe":
        return socket.send({ type: "subscribed", id, ...this.#subscribe(socket, message) });
      case "unsubscribe": {
        const channel = this.#named(socket, message.channel);
        socket.channels.delete(channel);
        if (socket.present.delete(channel)) this.presence.changed(channel);
        return void reply({});
      }
      case "refresh": {
        if (this.userOf(message.token)?.id !== socket.user?.id) refuse("unauthenticated", 401);
        return void reply({ expires_at: this.#expiry() });
      }
    }
    const user = socket.user ?? refuse("unauthenticated", 401, "Sign in first.");
    switch (message.type) {
      case "comment.create": {
        const { body, key, parent_id, post_id } = message;
        const comment = this.addComment(user, post_id, body, parent_id ?? null, key ?? null);
        this.presence.typing(`post:${post_id}`, user, 0);
        return void reply(this.shown(comment, user));
      }
      case "comment.edit":
        return void reply(this.shown(this.editComment(user, message.comment_id, message.body), user));
      case "comment.delete":
        return void reply(this.shown(this.deleteComment(user, message.comment_id), user));
      case "comment.react":
        return void reply(this.react(user, message.comment_id, message.emoji, message.on));
      case "notifications.read":
        return void reply(this.readNotifications(user.id, message));
      case "typing":
      case "signal": {
        const { channel } = message;
        if (!channel.startsWith("post:") || !socket.channels.has(channel)) refuse("forbidden", 403);
        if (message.type === "typing") this.presence.typing(channel, user);
        else this.#signal(socket, channel, message.data);
        return void reply({});
      }
      default:
        return refuse("bad_request", 400, `Unknown type ${(message as { type: string }).type}`);
    }
  }

  #signal(from: HubSocket, channel: string, data: unknown): void {
    const { id, name } = from.user!;
    for (const socket of this.sockets) {
      if (socket !== from && socket.channels.has(channel))
        socket.send({ type: "signal", channel, from: { id, name }, data });
    }
  }

  #welcome(socket: HubSocket, message: Extract<ClientMessage, { type: "connect" }>): void {
    if (socket.user) refuse("conflict", 409);
    if (message.token) {
      const account = this.userOf(message.token) ?? refuse("unauthenticated", 401, "No such token.");
      if (account.banned) refuse("forbidden", 403, "Banned.");
      socket.user = { ...face(account), role: account.role };
      socket.session = this.data.tokens[message.token]!.session;
      for (const channel of socket.present) this.presence.changed(channel);
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

  #named({ user }: HubSocket, channel: string): string {
    return channel === "me" && user ? `user:${user.id}` : channel;
  }

  #subscribe(socket: HubSocket, { channel, epoch, since, presence }: Subscription): Subscribed {
    const named = this.#named(socket, channel);
    const [kind, id] = named.split(":");
    if (kind === "post") this.post(Number(id));
    else if (kind !== "user" || Number(id) !== socket.user?.id) refuse("forbidden", 403);
    const log = this.data.logs[named] ?? [];
    const head = log.length;
    const again = socket.channels.has(named);
    socket.channels.add(named);
    if (presence) {
      socket.present.add(named);
      this.presence.changed(named, socket);
    }
    const base = {
      channel: named,
      epoch: this.data.epoch,
      seq: head,
      head,
      ...(presence && { presence: this.presence.whole(named) }),
      ...(kind === "user" && { unread: this.unread(Number(id)) }),
    };
    if (again) return { ...base, recovered: true, events: [] };
    const inTail = since !== undefined && epoch === this.data.epoch && since <= head && head - since <= this.tail;
    return { ...base, recovered: inTail, events: inTail ? structuredClone(log.slice(since)) : [] };
  }
}
