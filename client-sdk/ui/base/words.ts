import { BelfryError, ProblemError } from "../../src/index.js";

const SENTENCES: Record<string, string> = {
  closed: "The connection was closed before this could be sent.",
  conflict: "This was changed or deleted in the meantime.",
  forbidden: "You may not do this.",
  internal: "Something went wrong on the server.",
  network: "The server cannot be reached.",
  not_found: "This does not exist any more.",
  queue_full: "Too much is waiting to be sent. Try again when you are connected.",
  rate_limited: "That was a little fast.",
  timeout: "The server has not answered in time.",
  too_large: "This is too long.",
  unauthenticated: "You are not signed in.",
  unavailable: "The server is busy.",
  wrong_user: "This was written by somebody who is no longer signed in.",
};

/** An error as a sentence for whoever is at the page. What the server says about the input goes first,
 * and with `theirWords` whatever it says.
 */
export function sentence(error: BelfryError, theirWords = false): string {
  const theirs = theirWords || error.code === "unprocessable" || error.code === "bad_request";
  return (!theirs && SENTENCES[error.code]) || asSentence(error.message);
}

const asSentence = (text: string): string =>
  text.charAt(0).toLocaleUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");

/** What is wrong with a field of a form, if the server named it. */
export function fieldError(error: BelfryError | null, name: string): string | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  const found = error.errors.find(({ pointer }) => pointer === `/${name}` || pointer.startsWith(`/${name}/`));
  return found && asSentence(found.detail);
}

/** `1 reply`, `2 replies`. */
export const counted = (count: number, one: string, many: string): string =>
  `${count.toLocaleString()} ${count === 1 ? one : many}`;
