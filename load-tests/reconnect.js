// Readers come and go while somebody writes, and in the end all come back at once: how long does it take until they are
// where they would have been, and do they lack anything?
import exec from "k6/execution";
import { Counter, Trend } from "k6/metrics";
import { number, time } from "./lib/env.js";
import { Follower } from "./lib/follower.js";
import { Lobby } from "./lib/lobby.js";
import { acknowledged, CLEAN, fault } from "./lib/metrics.js";
import { around } from "./lib/person.js";
import { settle } from "./lib/readers.js";
import { summary, TREND } from "./lib/summary.js";
import { wait } from "./lib/timer.js";
import { deal, each, once, opened, vu } from "./lib/vu.js";
import { world } from "./lib/world.js";

const READERS = number("READERS", 200);
const CROWDS = number("CROWDS", 8);
const RATE = number("RATE", 10);
const DURATION = time("DURATION", "30s");
const STAY = time("STAY", "3s");
const AWAY = time("AWAY", "1s");
const P95 = number("P95", 500);
const WRITES = Math.round((RATE * DURATION) / 1000);
/** Written while nobody is there. */
const UNSEEN = 20;
const SECONDS = DURATION / 1000 + 120;

/** From opening a socket again to having all that was missed. */
const resuming = new Trend("resuming", true);
/** The same, when all come at once. */
const herd = new Trend("herd", true);
const returned = new Counter("returned");
/** Returns with an epoch of another log, which must not be believed. */
const strangers = new Counter("strangers");
const unrecovered = new Counter("unrecovered");

export const options = {
  scenarios: { writer: once("writer", 1, SECONDS), readers: once("readers", CROWDS, SECONDS) },
  thresholds: {
    ...CLEAN,
    finished: [`count==${CROWDS + 1}`],
    acknowledged: [`count==${WRITES + UNSEEN}`],
    // Each event once for each reader, wherever the cuts fell.
    delivered: [`count==${(WRITES + UNSEEN) * READERS}`],
    returned: [`count>${READERS}`],
    strangers: ["count>0"],
    unrecovered: ["count==0"],
    resuming: [`p(95)<${2 * P95}`],
    herd: [`p(95)<${4 * P95}`],
  },
  summaryTrendStats: TREND,
};

export const setup = () => world(CROWDS + 1, 1);

class Reader {
  constructor(n, post) {
    Object.assign(this, { n, follower: new Follower(`post:${post}`) });
  }

  async come(trend) {
    const begun = Date.now();
    const known = this.follower.epoch !== null;
    this.socket = await opened("/ws", {
      n: this.n + (this.turn = (this.turn ?? 0) + 1),
      codec: this.n % 2 ? "msgpack" : "json",
    });
    const { subscriptions } = await this.socket.connect({ follow: [this.follower] });
    if (!known) return;
    if (!this.follower.recovered) unrecovered.add(1);
    // A long absence comes in parts; live events may have come by now, too.
    const { seq, head } = subscriptions[0];
    const arrival = seq === head ? this.follower.arrival : null;
    await this.follower.reaches(head, 15_000);
    trend.add((arrival ?? this.follower.arrival) - begun);
    returned.add(1);
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
  const [post] = world.posts;
  const token = world.tokens[CROWDS];
  const channel = `post:${post}`;
  const lobby = await Lobby.enter(world, token);
  const socket = await opened("/ws");
  const follower = new Follower(channel, { measured: false });
  await socket.connect({ token, follow: [follower] });
  const say = async (body) => {
    const { data } = await socket.ask({ type: "comment.create", post_id: post, body });
    acknowledged.add(1);
    return data;
  };
  await lobby.all("listening", CROWDS);
  const begun = Date.now();
  const writes = [];
  for (let n = 0; n < WRITES; n += 1) {
    writes.push(say(`Number ${n}, whoever is there.`));
    await wait(begun + ((n + 1) * 1000) / RATE - Date.now());
  }
  await lobby.all("gone", CROWDS);
  for (let n = 0; n < UNSEEN; n += 1) writes.push(say(`Number ${n} that nobody saw.`));
  const acks = await Promise.all(writes);
  await lobby.says("written");
  await settle(channel, [follower], { acks });
});

export const readers = vu(async (world) => {
  const [post] = world.posts;
  const crowd = exec.scenario.iterationInTest;
  const lobby = await Lobby.enter(world, world.tokens[crowd]);
  const crowdOf = await each(deal(READERS, CROWDS, crowd), 8, async ({ turn }) => {
    const reader = new Reader(turn, post);
    await reader.come(resuming);
    return reader;
  });
  await lobby.meet("listening", CROWDS);
  const end = Date.now() + DURATION;
  await Promise.all(crowdOf.map((reader) => reader.wander(end)));
  await Promise.all(crowdOf.map(({ socket }) => socket.close()));
  await lobby.says("gone");
  await lobby.all("written", 1, DURATION + 60_000);
  await Promise.all(crowdOf.map((reader) => reader.come(herd)));
  await settle(
    `post:${post}`,
    crowdOf.map(({ follower }) => follower),
  );
});

export const handleSummary = summary(
  "reconnect",
  `${READERS} readers, there for ${STAY / 1000} s and away for ${AWAY / 1000} s, ${RATE} comments/s`,
  ["resuming", "herd"],
);
