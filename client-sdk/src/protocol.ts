import type { ErrorBody } from "./errors.js";

/** A person as others see them. */
export interface Person {
  id: number;
  name: string;
  handle: string;
  avatar_url?: string | null;
}

/** The person that this client is signed in as. */
export interface User extends Person {
  role: "user" | "moderator" | "admin" | (string & {});
}

/** A comment. Deleted, it keeps its place: no author, empty `body` and `html`. */
export interface Comment {
  id: number;
  post_id: number;
  parent_id: number | null;
  /** Its own id for a root. */
  root_id: number;
  /** 0 for a root. */
  depth: number;
  author: Person | null;
  /** Markdown, as written. */
  body: string;
  /** Rendered and sanitised by the server. */
  html: string;
  created_at: string;
  edited_at: string | null;
  deleted: boolean;
  reactions: Record<string, number>;
  /** Direct replies, deleted ones included. */
  reply_count: number;
  key: string | null;
  /** The event of its creation. */
  seq: number;
  /** The last event that changed it: of two copies, the higher one is newer. */
  updated_seq: number;
  /** Only in answers to the signed-in caller; never in events. */
  my_reactions?: string[];
}

export interface Post {
  id: number;
  title: string;
  body: string;
  html: string;
  url: string | null;
  page_key: string | null;
  author: Person | null;
  tags: string[];
  /** Comments that are not deleted. */
  comment_count: number;
  created_at: string;
  updated_at: string;
}

/** Where a reader of a channel stands: subscribe from here and nothing is missed. */
export interface Position {
  epoch: string;
  seq: number;
}

/** An entry of a channel's log. `seq` has no holes within a channel. */
export interface ChannelEvent<Kind extends string = string, Data = unknown> {
  type: "event";
  channel: string;
  seq: number;
  kind: Kind;
  at: string;
  data: Data;
}

interface CommentAndCount {
  comment: Comment;
  comment_count: number;
  parent: { id: number; reply_count: number } | null;
}

/** What the kinds of event carry. Kinds that are not listed come through as they are. */
export interface EventData {
  "comment.created": CommentAndCount;
  "comment.deleted": CommentAndCount;
  "comment.updated": { comment: Comment };
  "post.updated": { post: Post };
  "post.deleted": { post_id: number };
  /** Its subject may no longer be told. */
  void: Record<string, never>;
}

export interface Subscription {
  channel: string;
  epoch?: string;
  since?: number;
  presence?: boolean;
}

/** Commands that are answered. Each may be repeated after a cut: its effect is the same. */
export type Command =
  | { type: "comment.create"; post_id: number; parent_id?: number; body: string; key?: string }
  | { type: "comment.edit"; comment_id: number; body: string }
  | { type: "comment.delete"; comment_id: number }
  | { type: "comment.react"; comment_id: number; emoji: string; on: boolean }
  | { type: "notifications.read"; ids?: number[]; all?: true };

/** Commands that nobody answers and that are worth nothing later. */
export type Signal = { type: "typing"; channel: string } | { type: "signal"; channel: string; data: unknown };

export type ClientMessage = { id?: number } & (
  | { type: "connect"; token?: string; client?: string; subscriptions?: Subscription[] }
  | { type: "refresh"; token: string }
  | ({ type: "subscribe" } & Subscription)
  | { type: "unsubscribe"; channel: string }
  | { type: "ping" }
  | Command
  | Signal
);

export interface Subscribed extends Position {
  channel: string;
  head: number;
  recovered: boolean;
  events: ChannelEvent[];
  presence?: unknown;
  unread?: number;
}

export interface Refused {
  channel: string;
  error: ErrorBody;
}

export interface Welcome {
  type: "welcome";
  id?: number;
  connection: string;
  user: User | null;
  heartbeat_ms: number;
  expires_at: string | null;
  subscriptions: (Subscribed | Refused)[];
}

export type ServerMessage =
  | Welcome
  | ({ type: "subscribed"; id: number } & Subscribed)
  | ({ type: "unsubscribed" } & Refused)
  | { type: "reply"; id: number; data: unknown }
  | { type: "error"; id?: number; error: ErrorBody }
  | ChannelEvent
  | ({ type: "resync"; channel: string } & Position)
  | { type: "presence"; channel: string; count: number; anonymous: number }
  | { type: "typing"; channel: string; users: { id: number; name: string }[] }
  | { type: "signal"; channel: string; from: { id: number; name: string }; data: unknown }
  | { type: "heartbeat" }
  | { type: "pong"; id?: number }
  | { type: "going_away"; reconnect_after_ms: number };

/** A message of a kind that this version does not know. */
export interface UnknownMessage {
  type: string;
  channel?: string;
}

type Shape = "string" | "number" | "boolean" | "object" | "array";

/** The fields that this client relies on, by message type. */
const SHAPES: Record<ServerMessage["type"], Record<string, Shape>> = {
  welcome: { heartbeat_ms: "number", subscriptions: "array" },
  subscribed: { channel: "string", epoch: "string", seq: "number", recovered: "boolean", events: "array" },
  unsubscribed: { channel: "string", error: "object" },
  reply: { id: "number", data: "object" },
  error: { error: "object" },
  event: { channel: "string", seq: "number", kind: "string" },
  resync: { channel: "string", epoch: "string", seq: "number" },
  presence: { channel: "string", count: "number" },
  typing: { channel: "string", users: "array" },
  signal: { channel: "string", from: "object" },
  heartbeat: {},
  pong: {},
  going_away: { reconnect_after_ms: "number" },
};

const is = (value: unknown, shape: Shape): boolean =>
  shape === "array" ? Array.isArray(value) : typeof value === shape && value !== null;

/**
 * Tells a server message from something that only looks like one. A message of an unknown type is
 * let through as it is; one that lacks what its type promises is null.
 */
export function serverMessage(value: unknown): ServerMessage | UnknownMessage | null {
  const map = value as Record<string, unknown>;
  if (!is(value, "object") || !is(map.type, "string")) return null;
  const shape = Object.hasOwn(SHAPES, map.type as string) ? SHAPES[map.type as ServerMessage["type"]] : {};
  for (const field in shape) if (!is(map[field], shape[field]!)) return null;
  return map as unknown as ServerMessage;
}

/** True for a message that `serverMessage` let through and that has one of the types known here. */
export const isKnown = (message: ServerMessage | UnknownMessage): message is ServerMessage =>
  Object.hasOwn(SHAPES, message.type);
