// One writes, many read: how long from an event's own stamp until each reader has it, and does each get all of it?
import { number, time } from "./lib/env.js";
import { Lobby } from "./lib/lobby.js";
import { within } from "./lib/metrics.js";
import { plan } from "./lib/plan.js";
import { seat, settle } from "./lib/readers.js";
import { summary } from "./lib/summary.js";
import { vu } from "./lib/vu.js";
import { world } from "./lib/world.js";
import { Writer } from "./lib/writer.js";

const READERS = number("READERS", 300);
const CROWDS = number("CROWDS", 8);
const RATE = number("RATE", 10);
const DURATION = time("DURATION", "30s");
const WRITES = Math.round((RATE * DURATION) / 1000);

export const options = plan(
  DURATION,
  { writer: 1, readers: CROWDS },
  {
    acknowledged: [`count==${WRITES}`],
    delivered: [`count==${WRITES * READERS}`],
    delivery: within(),
  },
);

export const setup = () => world(CROWDS + 1, 1);

export const writer = vu(async (world) => {
  const token = world.tokens[CROWDS];
  const lobby = await Lobby.enter(world, token);
  const writer = await Writer.enter(world.posts[0], token);
  await lobby.all("listening", CROWDS);
  await writer.writes(WRITES, RATE, (n) => `Number ${n} of what all read.`);
  await writer.ends(lobby);
});

export const readers = vu(async (world, crowd) => {
  const [post] = world.posts;
  const lobby = await Lobby.enter(world, world.tokens[crowd]);
  const followers = await seat(READERS, CROWDS, crowd, post);
  await lobby.says("listening");
  await lobby.all("written", 1, DURATION + 60_000);
  await settle(`post:${post}`, followers);
});

export const handleSummary = summary("fan-out", `${READERS} readers, ${RATE} comments/s`);
