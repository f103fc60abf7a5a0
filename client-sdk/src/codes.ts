/** The error codes that a Belfry server gives, on the socket and over REST alike. */
export type ServerErrorCode =
  | "bad_request"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "too_large"
  | "unprocessable"
  | "rate_limited"
  | "internal"
  | "unavailable";

/**
 * The codes that arise on this side:
 * - `timeout`: no answer in time. The outcome is unknown; repeat it with the same key.
 * - `network`: a REST call did not reach the server, or its answer did not reach us.
 * - `queue_full`: too many commands wait for a connection. This one was not kept.
 * - `closed`: the client was closed, or may not reconnect. The command was dropped; if it was
 *   on its way, its outcome is unknown.
 * - `wrong_user`: the command waited for a connection, and by then somebody else, or nobody, was
 *   signed in. It was not sent again.
 */
export type LocalErrorCode = "timeout" | "network" | "queue_full" | "closed" | "wrong_user";

/** Codes of either side. A newer server may give one that is not listed. */
export type ErrorCode = ServerErrorCode | LocalErrorCode | (string & {});

/** The WebSocket close codes with a meaning of their own; `closeAction` says what follows. */
export const CloseCode = {
  normal: 1000,
  protocolError: 1002,
  cut: 1006,
  invalidText: 1007,
  frameTooLarge: 1009,
  restart: 1012,
  overCapacity: 1013,
  badMessage: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  notFound: 4404,
  tooManySockets: 4409,
  serverFault: 4500,
  tooSlow: 4508,
  flooding: 4529,
} as const;
