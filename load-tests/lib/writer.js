// Who writes to a room at an even pace while others read, and holds the log to every acknowledgement.
import { Follower } from "./follower.js";
import { acknowledged, fault } from "./metrics.js";
import { settle } from "./readers.js";
import { pace } from "./timer.js";
import { opened } from "./vu.js";

export class Writer {
  #socket;
  #post;
  #follower;
  #acks = [];
  #asked = [];

  /** Comes to a room as the person whose token this is. */
  static async enter(post, token) {
    const self = new Writer();
    self.#post = post;
    // Hears itself, and is no reader that is measured.
    self.#follower = new Follower(`post:${post}`, { measured: false });
    self.#socket = await opened("/ws");
    await self.#socket.connect({ token, follow: [self.#follower] });
    return self;
  }

  /** Writes, and does not wait for the answer; one that does not come or is a refusal is a fault. */
  says(body) {
    const kept = ({ data }) => {
      acknowledged.add(1);
      this.#acks.push(data);
    };
    const asked = this.#socket.ask({ type: "comment.create", post_id: this.#post, body });
    this.#asked.push(asked.then(kept, (error) => fault("a write was not acknowledged", error)));
  }

  /** Writes so many, so many a second, whether earlier ones are answered or not; `text` gives the nth. */
  async writes(count, rate, text) {
    const turn = pace(rate);
    for (let n = 0; n < count; n += 1) {
      this.says(text(n));
      await turn(n + 1);
    }
  }

  /** Tells the others that this was all, and looks whether all of it is in the log. */
  async ends(lobby) {
    await Promise.all(this.#asked);
    await lobby.says("written");
    await settle(this.#follower.channel, [this.#follower], { acks: this.#acks });
  }
}
