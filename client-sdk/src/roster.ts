import type { Person } from "./model.js";
import type { Presence } from "./protocol.js";

/** The most people that are listed; the server names no more at once. */
const LISTED = 100;

/** Who is in a room. */
export interface Roster {
  /** Everybody: people, each once, and the anonymous. */
  count: number;
  /** How many are not signed in. */
  anonymous: number;
  /** The people that are known here, 100 at most, in the order they were told. */
  users: Person[];
  /** The server cannot see everywhere just now: there may be more. */
  partial: boolean;
  /** `users` is not all of the people: above 100 only some are listed. */
  sampled: boolean;
}

/**
 * The roster after a message. A whole one takes the place of what was known; any other changes it; in a crowd of which
 * nobody is named any more, nothing is known of who they are. Counts are the server's word, never made up here.
 */
export function nextRoster(before: Roster | null, told: Presence): Roster {
  const { anonymous = 0, count, joined, left, partial = false, users } = told;
  const byId = new Map<number, Person>();
  for (const person of users ?? ((joined ?? left) && before?.users) ?? []) byId.set(person.id, person);
  for (const id of left ?? []) byId.delete(id);
  for (const person of joined ?? []) {
    if (byId.size < LISTED || byId.has(person.id)) byId.set(person.id, person);
  }
  const known = [...byId.values()];
  return { count, anonymous, users: known, partial, sampled: known.length < count - anonymous };
}
