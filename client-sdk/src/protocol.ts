import type { ErrorBody } from "./errors.js";
import type { Comment, Notification, Person, Position, Post, User } from "./model.js";

export type * from "./model.js";

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
  /** `by` is what changed since; left out when that is much. */
  "comment.reacted": { comment_id: number; reactions: Record<string, number>; by?: ReactionChange[] };
  "post.updated": { post: Post };
  "post.deleted": { post_id: number };
  "notification.created": { notification: Notification; unread: number };
  "notification.updated": { notification: Notification; unread: number };
  /** These, or all that came before this event. */
  "notifications.read": { unread: number; ids?: number[]; all?: true };
  "notification.deleted": { id: number; unread: number };
  /** Its subject may no longer be told. */
  void: Record<string, never>;
}

export interface ReactionChange {
  user_id: number;
  emoji: string;
  on: boolean;
}

/**
 * Who is here: whole (`users` takes the place of what was known), as what changed (`joined`, `left`), or, of a crowd, as
 * numbers alone.
 */
export interface Presence {
  /** People, and the `anonymous` ones. */
  count: number;
  anonymous: number;
  /** 100 at most. */
  users?: Person[];
  joined?: Person[];
  left?: number[];
  /** The server cannot see everywhere just now. */
  partial?: boolean;
}

/** Somebody by id and name alone. */
export interface Name {
  id: number;
  name: string;
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
  /** Whole; with `presence` asked for. */
  presence?: Presence;
  /** On one's own channel. */
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
  | ({ type: "presence"; channel: string } & Presence)
  | { type: "typing"; channel: string; users: Name[] }
  | { type: "signal"; channel: string; from: Name; data: unknown }
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
