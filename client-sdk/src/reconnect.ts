/** What a close code asks of the client. */
export type CloseAction = "reconnect" | "reauthenticate" | "wait_for_use" | "stop";

/**
 * The close code table. 44xx is permanent but for 4401 (a new token helps) and 4409 (this user's
 * sockets are too many: come back when the page is next used); of the codes below, those that tell of
 * a fault of this side stop, and everything else is a cut line.
 */
export function closeAction(code: number): CloseAction {
  if (code === 4401) return "reauthenticate";
  if (code === 4409) return "wait_for_use";
  if (code === 1000 || code === 1002 || code === 1007 || code === 1009) return "stop";
  return code >= 4400 && code < 4500 ? "stop" : "reconnect";
}

export interface BackOff {
  /** Failed attempts in a row so far; 0 for the first. */
  attempt: number;
  /** Of the close that came before. */
  code: number;
  /** What is left of a `reconnect_after_ms` that the server asked for. */
  notBeforeMs: number;
  /** In [0, 1). */
  random: number;
  baseMs: number;
  capMs: number;
}

/**
 * How long to wait before the next attempt, in milliseconds: anywhere between nothing and a ceiling that
 * doubles with each failure (full jitter, so that a thousand clients which lost the same server do not
 * return in the same instant), but never sooner than the server asked. A server that is
 * overrun (1013, 4529) gets the ceiling of three failures at once.
 */
export function backOffMs({ attempt, code, notBeforeMs, random, baseMs, capMs }: BackOff): number {
  const overrun = code === 1013 || code === 4529;
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt + (overrun ? 3 : 0), 30));
  return Math.max(notBeforeMs, random * ceiling);
}
