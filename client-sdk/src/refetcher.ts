import type { Clock } from "./clock.js";
import { asBelfryError, type BelfryError } from "./errors.js";

interface Options {
  clock: Clock;
  random: () => number;
  /** Reads everything anew. */
  run(): Promise<void>;
  /** True when trying again will not help. */
  givesUp(error: BelfryError): boolean;
}

/**
 * Reads anew after a hole: once for all the holes that are told while it runs, and again and again until it works, at a
 * random pace, so that a crowd that lost the same events does not return in step.
 */
export class Refetcher {
  #state: "idle" | "running" | "again" = "idle";
  #timer: unknown;
  #stopped = false;

  constructor(private options: Options) {}

  ask(): void {
    if (this.#stopped) return;
    if (this.#state === "idle") void this.#run();
    else this.#state = "again";
  }

  stop(): void {
    this.#stopped = true;
    this.options.clock.clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    const { clock, givesUp, random, run } = this.options;
    this.#state = "running";
    let error: BelfryError | undefined;
    try {
      await run();
    } catch (thrown) {
      error = asBelfryError(thrown);
    }
    if (this.#stopped) return;
    if (error && !givesUp(error)) {
      const ms = (error.retryAfterMs ?? 0) + 1_000 + 4_000 * random();
      this.#timer = clock.setTimeout(() => void this.#run(), ms);
    } else if (!error && (this.#state as string) === "again") {
      void this.#run();
    } else {
      this.#state = "idle";
    }
  }
}
