// Where virtual users wait for each other: k6 gives them nothing in common, Belfry does. Who arrives says so in a
// comment of the lobby, and everyone counts.
import { Follower } from "./follower.js";
import { ask } from "./rest.js";
import { opened } from "./vu.js";
import { Waiting } from "./waiting.js";

/** How long the last may be behind the first. */
const PATIENCE = 30_000;

export class Lobby {
  #arrived = {};
  #waiting = new Waiting();
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
  async all(point, count, patience = PATIENCE) {
    const there = () => this.#arrived[point] || 0;
    if (await this.#waiting.until(() => there() >= count, patience)) return;
    throw new Error(`${there()} of ${count} came to "${point}"`);
  }

  /** Says that one is there and waits for the others. */
  async meet(point, count, patience) {
    await this.says(point);
    await this.all(point, count, patience);
  }

  #heard(point) {
    this.#arrived[point] = (this.#arrived[point] || 0) + 1;
    this.#waiting.look();
  }
}
