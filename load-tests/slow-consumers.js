// Some stop reading: do the others notice, and what becomes of the slow ones? k6's older module hands over one
// message at a time, so that a handler that sleeps leaves the socket unread, and the server with full buffers.
import exec from "k6/execution";
import { sleep } from "k6";
import ws from "k6/ws";
import { Counter, Trend } from "k6/metrics";
import { number, socketUrl, time } from "./lib/env.js";
import { Follower } from "./lib/follower.js";
import { Lobby } from "./lib/lobby.js";
import { acknowledged, CLEAN, fault } from "./lib/metrics.js";
import { reader, settle } from "./lib/readers.js";
import { summary, TREND } from "./lib/summary.js";
import { wait } from "./lib/timer.js";
import { deal, each, once, opened, vu } from "./lib/vu.js";
import { world } from "./lib/world.js";

const READERS = number("READERS", 24);
const CROWDS = number("CROWDS", 4);
/** Half of them stop for good, the others for a moment. */
const SLOW = number("SLOW", 12);
const RATE = number("RATE", 20);
/** Before the slow ones come: what the others know without them. */
const CALM = time("CALM", "8s");
/** Longer than it takes to fill what the system buffers (some MiB), and then `BELFRY_SLOW_TIMEOUT`. */
const STALL = time("STALL", "40s");
const NAP = time("NAP", "1s");
const P95 = number("P95", 500);
const WRITES = Math.round((RATE * (CALM + STALL)) / 1000);
const SECONDS = (CALM + STALL) / 1000 + 120;
/** About 18 KB an event, with its HTML. */
const TEXT = "long winded ".repeat(750);

/** Delivery to the others before the slow ones came. */
const calm = new Trend("calm", true);
/** Sockets that read nothing and were closed by the server. */
const dropped = new Counter("dropped");
/** Sockets that read nothing for a moment and lack nothing. */
const rested = new Counter("rested");
/** Times a dropped one came back and was given what it lacked, or told to fetch. */
const returned = new Counter("returned");

export const options = {
  scenarios: {
    writer: once("writer", 1, SECONDS),
    readers: once("readers", CROWDS, SECONDS),
    slow: once("slow", SLOW, SECONDS),
  },
  thresholds: {
    ...CLEAN,
    finished: [`count==${1 + CROWDS + SLOW}`],
    acknowledged: [`count==${WRITES}`],
    delivered: [`count==${WRITES * READERS}`],
    delivery: [`p(95)<${P95}`],
    dropped: [`count==${Math.ceil(SLOW / 2)}`],
    rested: [`count==${Math.floor(SLOW / 2)}`],
    returned: [`count==${Math.ceil(SLOW / 2)}`],
  },
  summaryTrendStats: TREND,
};

export const setup = () => world(CROWDS + 1 + SLOW, 1);

export const writer = vu(async (world) => {
  const [post] = world.posts;
  const token = world.tokens[CROWDS];
  const lobby = await Lobby.enter(world, token);
  const socket = await opened("/ws");
  const follower = new Follower(`post:${post}`, { measured: false });
  await socket.connect({ token, follow: [follower] });
  await lobby.all("ready", CROWDS + SLOW);
  const begun = Date.now();
  const writes = [];
  for (let n = 0; n < WRITES; n += 1) {
    if (n === Math.round((RATE * CALM) / 1000)) await lobby.says("slow");
    const body = `${n === WRITES - 1 ? "last" : n} ${TEXT}`;
    const write = socket.ask({ type: "comment.create", post_id: post, body });
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
  let alone = true;
  const onEvent = ({ at }, arrival) => alone && calm.add(arrival - Date.parse(at));
  const followers = await each(deal(READERS, CROWDS, crowd), 4, async ({ turn }) => {
    const follower = new Follower(`post:${post}`, { onEvent });
    await reader(turn, post, follower);
    return follower;
  });
  await lobby.says("ready");
  await lobby.all("slow", 1, SECONDS * 1000);
  alone = false;
  await lobby.all("written", 1, SECONDS * 1000);
  await settle(`post:${post}`, followers);
});

/** Follows, and sleeps in the middle of it, for good or for a moment; true when it was there to the end. */
const sleepy = (n, follower, stops) => {
  let slept = false;
  let stayed = false;
  const read = (message, socket) => {
    const { type, subscriptions, data } = message;
    if (type === "welcome") follower.subscribed(subscriptions[0], Date.now());
    // Only who was not long away must lack nothing.
    if (type === "resync") stops ? follower.from(message) : follower.resync(message);
    if (type !== "event") return;
    follower.take(message, Date.now());
    if (!slept) sleep((stops ? STALL : NAP) / 1000);
    slept = true;
    stayed = data.comment.body.startsWith("last");
    if (stayed) socket.close();
  };
  const tags = { name: "/ws" };
  ws.connect(socketUrl(n, "/ws"), { tags }, (socket) => {
    socket.on("open", () => {
      socket.send(JSON.stringify({ type: "connect", id: 1, subscriptions: [follower.wish()] }));
    });
    socket.on("message", (frame) => read(JSON.parse(frame), socket));
    // Being closed is what one expects here; `stayed` tells.
    socket.on("error", () => {});
  });
  return stayed;
};

export const slow = vu(async (world) => {
  const n = exec.scenario.iterationInTest;
  const [post] = world.posts;
  const channel = `post:${post}`;
  const lobby = await Lobby.enter(world, world.tokens[CROWDS + 1 + n]);
  const follower = new Follower(channel, { measured: false });
  await lobby.says("ready");
  await lobby.all("slow", 1, SECONDS * 1000);
  const stops = n % 2 === 0;
  const stayed = sleepy(n, follower, stops);
  if (stayed) rested.add(1);
  else if (stops) dropped.add(1);
  else fault("a short nap was not forgiven", channel);
  await lobby.all("written", 1, SECONDS * 1000);
  if (!stayed) {
    const socket = await opened("/ws", { n });
    await socket.connect({ follow: [follower] });
    returned.add(1);
  }
  await settle(channel, [follower]);
});

export const handleSummary = summary(
  "slow-consumers",
  `${READERS} readers and ${SLOW} who stop reading, ${RATE} comments/s of 18 KB`,
  ["calm"],
);
