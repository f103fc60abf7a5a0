import type { ErrorCode } from "./codes.js";

/** An error as it travels on the socket. */
export interface ErrorBody {
  code: ErrorCode;
  detail?: string;
  retry_after_ms?: number;
}

/** What every failed call of this package rejects with. Decide by `code`; `message` is for people. */
export class BelfryError extends Error {
  override name = "BelfryError";

  constructor(
    readonly code: ErrorCode,
    detail?: string,
    /** How long to wait before another try, in milliseconds, when the server says so. */
    readonly retryAfterMs?: number,
  ) {
    super(detail || code);
  }
}

export const errorFrom = (body: ErrorBody): BelfryError => new BelfryError(body.code, body.detail, body.retry_after_ms);

/** Anything thrown, as a `BelfryError`; what is not one already becomes `network`. */
export const asBelfryError = (thrown: unknown): BelfryError =>
  thrown instanceof BelfryError ? thrown : new BelfryError("network", String(thrown));
