export { Client, createClient } from "./client.js";
export type { ClientEvents, ClientState, ClientStatus } from "./client.js";
export type { Clock } from "./clock.js";
export { CloseCode } from "./codes.js";
export type { ErrorCode, LocalErrorCode, ServerErrorCode } from "./codes.js";
export { jsonCodec } from "./codec.js";
export type { Codec } from "./codec.js";
export type { SocketConstructor, SocketLike } from "./connection.js";
export type { Off } from "./emitter.js";
export { BelfryError } from "./errors.js";
export { createRest, ProblemError, Rest } from "./rest.js";
export type { CallOptions, CommentSort, CommentsPage, FieldError, Page, PageCount, RestOptions } from "./rest.js";
export { createSession, Session } from "./session.js";
export type { SessionEvents, SessionOptions } from "./session.js";
export type { AccessToken, ClientOptions, TokenSource } from "./options.js";
export type { PageSign, WatchPage } from "./page.js";
export { backOffMs, closeAction } from "./reconnect.js";
export type { BackOff, CloseAction } from "./reconnect.js";
export type { Room, RoomEvents, RoomState } from "./room.js";
export type { Roster } from "./roster.js";
export type {
  Ban,
  ChannelEvent,
  ClientMessage,
  Command,
  Comment,
  EventData,
  Name,
  Notification,
  Person,
  Position,
  Post,
  Presence,
  ReactionChange,
  Reactions,
  ServerMessage,
  Signal,
  Subscription,
  UnknownMessage,
  Unread,
  User,
} from "./protocol.js";
