// Readers come and go while somebody writes, and in the end all come back at once: how long does it take until they are
// where they would have been, and do they lack anything?
import { Counter, Trend } from "k6/metrics";
import { number, time } from "./lib/env.js";
import { Follower } from "./lib/follower.js";
import { Lobby } from "./lib/lobby.js";
import { fault, within } from "./lib/metrics.js";
import { around } from "./lib/person.js";
import { plan } from "./lib/plan.js";
import { PATIENCE, settle } from "./lib/readers.js";
import { summary } from "./lib/summary.js";
import { wait } from "./lib/timer.js";
import { dealt, opened, vu } from "./lib/vu.js";
import { world } from "./lib/world.js";
import { Writer } from "./lib/writer.js";

const READERS = number("READERS", 200);
const CROWDS = number("CROWDS", 8);
const RATE = number("RATE", 10);
const DURATION = time("DURATION", "30s");
const STAY = time("STAY", "3s");
const AWAY = time("AWAY", "1s");
const WRITES = Math.round((RATE * DURATION) / 1000);
/** Written while nobody is there. */
const UNSEEN = 20;
/** How often they come back, about, but for the last time. */
const RETURNS = (READERS * DURATION) / (STAY + AWAY);

/** From opening a socket again to having all that was missed. */
const resuming = new Trend("resuming", true);
/** The same, when all come at once. */
const herd = new Trend("herd", true);
const returned = new Counter("returned");
/** Returns with an epoch of another log, which must not be believed. */
const strangers = new Counter("strangers");
const unrecovered = new Counter("unrecovered");

export const options = plan(
  DURATION,
  { writer: 1, readers: CROWDS },
  {
    acknowledged: [`count==${WRITES + UNSEEN}`],
    // Each event once for each reader, wherever the cuts fell.
    delivered: [`count==${(WRITES + UNSEEN) * READERS}`],
    returned: [`count>${READERS + RETURNS / 4}`],
    strangers: ["count>0"],
    unrecovered: ["count==0"],
    resuming: within(2),
    herd: within(4),
  },
);

export const setup = () => world(CROWDS + 1, 1);

class Reader {
  /** How often it came, so that each time may be to another instance. */
  #came = 0;

  constructor(n, post) {
    Object.assign(this, { n, follower: new Follower(`post:${post}`) });
  }

  /** Comes; what it takes to come back goes to a trend. */
  async come(trend) {
    const begun = Date.now();
    const known = this.follower.epoch !== null;
    this.#came += 1;
    this.socket = await opened("/ws", { n: this.n + this.#came, codec: this.n % 2 ? "msgpack" : "json" });
    const { subscriptions } = await this.socket.connect({ follow: [this.follower] });
    if (!known) return this;
    if (!this.follower.recovered) unrecovered.add(1);
    // A long absence comes in parts; live events may have come by now, too.
    const { seq, head } = subscriptions[0];
    const arrival = seq === head ? this.follower.arrival : null;
    await this.follower.reaches(head, PATIENCE);
    trend.add((arrival ?? this.follower.arrival) - begun);
    returned.add(1);
    return this;
  }

  async wander(end) {
    for (let stay = around(STAY); Date.now() + stay < end; stay = around(STAY)) {
      await wait(stay);
      await this.socket.close();
      await wait(Math.min(around(AWAY), STAY));
      await this.come(resuming);
    }
    if (this.n % 20 === 0) await this.strange();
  }

  /** Comes with a place in a log that was never this one. */
  async strange() {
    const { channel, last } = this.follower;
    const stranger = new Follower(channel, { measured: false }).from({ epoch: "of-another-log", seq: last });
    const socket = await opened("/ws", { n: this.n });
    await socket.connect({ follow: [stranger] });
    if (stranger.recovered) fault("a stranger was believed", channel);
    strangers.add(1);
    await socket.close();
  }
}

export const writer = vu(async (world) => {
  const token = world.tokens[CROWDS];
  const lobby = await Lobby.enter(world, token);
  const writer = await Writer.enter(world.posts[0], token);
  await lobby.all("listening", CROWDS);
  await writer.writes(WRITES, RATE, (n) => `Number ${n}, whoever is there.`);
  await lobby.all("gone", CROWDS);
  for (let n = 0; n < UNSEEN; n += 1) writer.says(`Number ${n} that nobody saw.`);
  await writer.ends(lobby);
});

export const readers = vu(async (world, crowd) => {
  const [post] = world.posts;
  const lobby = await Lobby.enter(world, world.tokens[crowd]);
  const own = await dealt(READERS, CROWDS, crowd, ({ turn }) => new Reader(turn, post).come());
  await lobby.meet("listening", CROWDS);
  const end = Date.now() + DURATION;
  await Promise.all(own.map((reader) => reader.wander(end)));
  await Promise.all(own.map(({ socket }) => socket.close()));
  await lobby.says("gone");
  await lobby.all("written", 1, DURATION + 60_000);
  await Promise.all(own.map((reader) => reader.come(herd)));
  const followers = own.map(({ follower }) => follower);
  await settle(`post:${post}`, followers);
});

export const handleSummary = summary(
  "reconnect",
  `${READERS} readers, there for ${STAY / 1000} s and away for ${AWAY / 1000} s, ${RATE} comments/s`,
  ["resuming", "herd"],
);
