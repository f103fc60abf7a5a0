import type { Clock } from "./clock.js";
import { BelfryError } from "./errors.js";

/** Called once: with what was answered, or with why there is no answer. */
export type Settle = (error: BelfryError | null, answer?: unknown) => void;

/**
 * The questions that are open on one socket, by `id`. Ids are never used twice in the life of a client, so
 * that a late answer from before a time-out meets nobody.
 */
export class Requests {
  #lastId = 0;
  #open = new Map<number, { settle: Settle; timer: unknown }>();

  constructor(
    private clock: Clock,
    private timeoutMs: number,
  ) {}

  /** The id for a new question. */
  ask(settle: Settle): number {
    const id = ++this.#lastId;
    const timer = this.clock.setTimeout(
      () => this.answer(id, new BelfryError("timeout", "The server did not answer in time.")),
      this.timeoutMs,
    );
    this.#open.set(id, { settle, timer });
    return id;
  }

  /** False when nobody waits for this id. */
  answer(id: number, error: BelfryError | null, answer?: unknown): boolean {
    const open = this.#open.get(id);
    if (!open) return false;
    this.#open.delete(id);
    this.clock.clearTimeout(open.timer);
    open.settle(error, answer);
    return true;
  }

  /** The socket is gone. Who asked knows that for itself; nobody is told here. */
  forget(): void {
    for (const { timer } of this.#open.values()) this.clock.clearTimeout(timer);
    this.#open.clear();
  }
}
