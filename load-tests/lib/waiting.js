// Those who wait until something is so, for a while at most.
import { after } from "./timer.js";

export class Waiting {
  #waiting = [];

  /** Resolves to true once it is so, to false when that takes too long. */
  until(holds, patience) {
    if (holds()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const stop = after(patience, () => resolve(false));
      const found = () => {
        stop();
        resolve(true);
      };
      this.#waiting.push({ holds, found });
    });
  }

  /** Something has changed: those whose wish is fulfilled go. */
  look() {
    if (this.#waiting.length) this.#waiting = this.#waiting.filter(({ holds, found }) => !holds() || found());
  }
}
