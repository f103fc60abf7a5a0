import type { Clock } from "./clock.js";
import type { Name } from "./protocol.js";

/** A name is dropped when it was not told again for so long, in milliseconds. */
const LIFE_MS = 6_000;

/** Who writes in a room just now: the last word of the server, without oneself, while it is fresh. */
export class Typists {
  names: Name[] = [];
  #timer: unknown;

  constructor(
    private room: { readonly clock: Clock; userId(): number | undefined },
    private changed: (names: Name[]) => void,
  ) {}

  /** Everybody who writes now. Each message is whole, so that one timer serves all names. */
  told(users: Name[]): void {
    const { clock } = this.room;
    const me = this.room.userId();
    clock.clearTimeout(this.#timer);
    this.#become(users.filter(({ id }) => id !== me));
    if (this.names.length) this.#timer = clock.setTimeout(() => this.#become([]), LIFE_MS);
  }

  clear(): void {
    this.room.clock.clearTimeout(this.#timer);
    this.#become([]);
  }

  #become(names: Name[]): void {
    const before = this.names;
    if (names.length === before.length && names.every(({ id }, at) => id === before[at]!.id)) return;
    this.names = names;
    this.changed(names);
  }
}
