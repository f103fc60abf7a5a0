// One writes, many read: how long from an event's own stamp until each reader has it, and does each get all of it?
import exec from "k6/execution";
import { number, time } from "./lib/env.js";
import { Follower } from "./lib/follower.js";
import { Lobby } from "./lib/lobby.js";
import { acknowledged, CLEAN } from "./lib/metrics.js";
import { reader, settle } from "./lib/readers.js";
import { summary, TREND } from "./lib/summary.js";
import { wait } from "./lib/timer.js";
import { deal, each, once, opened, vu } from "./lib/vu.js";
import { world } from "./lib/world.js";

const READERS = number("READERS", 300);
const CROWDS = number("CROWDS", 8);
const RATE = number("RATE", 10);
const DURATION = time("DURATION", "30s");
const WRITES = Math.round((RATE * DURATION) / 1000);
const P95 = number("P95", 500);
const SECONDS = DURATION / 1000 + 120;

export const options = {
  scenarios: { writer: once("writer", 1, SECONDS), readers: once("readers", CROWDS, SECONDS) },
  thresholds: {
    ...CLEAN,
    finished: [`count==${CROWDS + 1}`],
    acknowledged: [`count==${WRITES}`],
    delivered: [`count==${WRITES * READERS}`],
    delivery: [`p(95)<${P95}`],
  },
  summaryTrendStats: TREND,
};

export const setup = () => world(CROWDS + 1, 1);

export const writer = vu(async (world) => {
  const [post] = world.posts;
  const token = world.tokens[CROWDS];
  const lobby = await Lobby.enter(world, token);
  const socket = await opened("/ws");
  const follower = new Follower(`post:${post}`, { measured: false });
  await socket.connect({ token, follow: [follower] });
  await lobby.all("listening", CROWDS);
  const begun = Date.now();
  const writes = [];
  for (let n = 0; n < WRITES; n += 1) {
    const write = socket.ask({ type: "comment.create", post_id: post, body: `Number ${n} of what all read.` });
    writes.push(write.then(({ data }) => (acknowledged.add(1), data)));
    await wait(begun + ((n + 1) * 1000) / RATE - Date.now());
  }
  const acks = await Promise.all(writes);
  await lobby.says("written");
  await settle(`post:${post}`, [follower], { acks });
});

export const readers = vu(async (world) => {
  const [post] = world.posts;
  const crowd = exec.scenario.iterationInTest;
  const lobby = await Lobby.enter(world, world.tokens[crowd]);
  const followers = await each(deal(READERS, CROWDS, crowd), 8, async ({ turn }) => {
    const follower = new Follower(`post:${post}`);
    await reader(turn, post, follower);
    return follower;
  });
  await lobby.says("listening");
  await lobby.all("written", 1, DURATION + 60_000);
  await settle(`post:${post}`, followers);
});

export const handleSummary = summary("fan-out", `${READERS} readers, ${RATE} comments/s`);
