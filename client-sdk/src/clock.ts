/**
 * Time, passed in so that tests need not wait. Only differences of `now` are used.
 */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** A timer holds at most 2^31 - 1 ms; a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, Math.min(ms, LONGEST_TIMER)),
  clearTimeout: (handle) => clearTimeout(handle as number),
};
