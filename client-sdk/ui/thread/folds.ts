import type { LiveThread } from "../../src/thread.js";

/** The branches that somebody folded away, by the `uid` of what they hang on. */
const folds = new WeakMap<LiveThread, Set<string>>();

export function foldsOf(live: LiveThread): Set<string> {
  let found = folds.get(live);
  if (!found) folds.set(live, (found = new Set()));
  return found;
}
