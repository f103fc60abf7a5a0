// Where virtual users wait for each other: k6 gives them nothing in common, Belfry does. Who arrives says so in a
// comment of the lobby, and everyone counts.
import { Follower } from "./follower.js";
import { ask } from "./rest.js";
import { after } from "./timer.js";
import { opened } from "./vu.js";

/** How long the last may be behind the first. */
const PATIENCE = 30_000;

export class Lobby {
  #arrived = {};
  #waiting = [];
  #socket;
  #post;

  /** Enters it as the person whose token this is. */
  static async enter({ lobby }, token) {
    const self = new Lobby();
    self.#post = lobby;
    const onEvent = ({ data }) => self.#heard(data.comment.body);
    const follower = new Follower(`post:${lobby}`, { measured: false, onEvent });
    const { epoch } = ask("GET", `/posts/${lobby}`);
    self.#socket = await opened("/ws");
    await self.#socket.connect({ token, follow: [follower.from({ epoch, seq: 0 })] });
    return self;
  }

  /** Says that one is at a point, and does not wait. */
  async says(point) {
    await this.#socket.ask({ type: "comment.create", post_id: this.#post, body: point });
  }

  /** Waits until so many are at a point. */
  all(point, count, patience = PATIENCE) {
    if ((this.#arrived[point] || 0) >= count) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`${this.#arrived[point] || 0} of ${count} came to "${point}"`));
      const stop = after(patience, late);
      const found = () => {
        stop();
        resolve();
      };
      this.#waiting.push({ point, count, found });
    });
  }

  /** Says that one is there and waits for the others. */
  async meet(point, count, patience) {
    await this.says(point);
    await this.all(point, count, patience);
  }

  #heard(point) {
    const arrived = (this.#arrived[point] = (this.#arrived[point] || 0) + 1);
    this.#waiting = this.#waiting.filter((one) => one.point !== point || one.count > arrived || one.found());
  }
}
