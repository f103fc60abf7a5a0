// Some stop reading: do the others notice, and what becomes of the slow ones? k6's older module hands over one
// message at a time, so that a handler that sleeps leaves the socket unread, and the server with full buffers.
import { sleep } from "k6";
import ws from "k6/ws";
import { Counter, Trend } from "k6/metrics";
import { number, socketUrl, time } from "./lib/env.js";
import { Follower } from "./lib/follower.js";
import { Lobby } from "./lib/lobby.js";
import { fault, within } from "./lib/metrics.js";
import { plan } from "./lib/plan.js";
import { seat, settle } from "./lib/readers.js";
import { summary } from "./lib/summary.js";
import { opened, vu } from "./lib/vu.js";
import { world } from "./lib/world.js";
import { Writer } from "./lib/writer.js";

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
const BEFORE = Math.round((RATE * CALM) / 1000);
const BESIDE = Math.round((RATE * STALL) / 1000);
const WRITES = BEFORE + BESIDE;
const PATIENCE = CALM + STALL + 60_000;
/** About 18 KB an event, with its HTML. */
const TEXT = "long winded ".repeat(750);
/** How the last one begins. */
const LAST = "last";

/** Delivery to the others before the slow ones came. */
const calm = new Trend("calm", true);
/** Sockets that read nothing and were closed by the server. */
const dropped = new Counter("dropped");
/** Sockets that read nothing for a moment and lack nothing. */
const rested = new Counter("rested");
/** Times a dropped one came back and was given what it lacked, or told to fetch. */
const returned = new Counter("returned");

export const options = plan(
  CALM + STALL,
  { writer: 1, readers: CROWDS, slow: SLOW },
  {
    acknowledged: [`count==${WRITES}`],
    delivered: [`count==${WRITES * READERS}`],
    delivery: within(),
    calm: within(),
    dropped: [`count==${Math.ceil(SLOW / 2)}`],
    rested: [`count==${Math.floor(SLOW / 2)}`],
    returned: [`count==${Math.ceil(SLOW / 2)}`],
  },
);

export const setup = () => world(CROWDS + 1 + SLOW, 1);

export const writer = vu(async (world) => {
  const token = world.tokens[CROWDS];
  const lobby = await Lobby.enter(world, token);
  const writer = await Writer.enter(world.posts[0], token);
  await lobby.all("ready", CROWDS + SLOW);
  await writer.writes(BEFORE, RATE, (n) => `${n} ${TEXT}`);
  await lobby.says("slow");
  await writer.writes(BESIDE, RATE, (n) => `${n === BESIDE - 1 ? LAST : n} ${TEXT}`);
  await writer.ends(lobby);
});

export const readers = vu(async (world, crowd) => {
  const [post] = world.posts;
  const lobby = await Lobby.enter(world, world.tokens[crowd]);
  let alone = true;
  const onEvent = ({ at }, arrival) => alone && calm.add(arrival - Date.parse(at));
  const followers = await seat(READERS, CROWDS, crowd, post, { onEvent });
  await lobby.says("ready");
  await lobby.all("slow", 1, PATIENCE);
  alone = false;
  await lobby.all("written", 1, PATIENCE);
  await settle(`post:${post}`, followers);
});

/** Follows, and sleeps in the middle of it, for good or for a moment; tells whether it slept, and how it ended. */
const sleepy = (n, follower, stops) => {
  const came = { slept: false, stayed: false, kept: false };
  const read = (message, socket) => {
    const { type, subscriptions, data } = message;
    if (type === "welcome") follower.subscribed(subscriptions[0], Date.now());
    // Only who was not long away must lack nothing.
    if (type === "resync") stops ? follower.from(message) : follower.resync(message);
    if (type !== "event") return;
    follower.take(message, Date.now());
    if (!came.slept) sleep((stops ? STALL : NAP) / 1000);
    came.slept = true;
    came.stayed = data.comment.body.startsWith(LAST);
    if (came.stayed) socket.close();
  };
  ws.connect(socketUrl(n, "/ws"), { tags: { name: "/ws" } }, (socket) => {
    socket.on("open", () => {
      socket.send(JSON.stringify({ type: "connect", id: 1, subscriptions: [follower.wish()] }));
    });
    socket.on("message", (frame) => read(JSON.parse(frame), socket));
    // By now whoever is not closed by the server has the last one, or was told to fetch it.
    socket.setTimeout(() => {
      came.kept = true;
      socket.close();
    }, STALL + 15_000);
    // Being closed is what one expects here; `stayed` tells.
    socket.on("error", () => {});
  });
  return came;
};

export const slow = vu(async (world, n) => {
  const channel = `post:${world.posts[0]}`;
  const lobby = await Lobby.enter(world, world.tokens[CROWDS + 1 + n]);
  const follower = new Follower(channel, { measured: false });
  await lobby.says("ready");
  await lobby.all("slow", 1, PATIENCE);
  const stops = n % 2 === 0;
  const { slept, stayed, kept } = sleepy(n, follower, stops);
  if (!slept) fault("closed before it slept", channel);
  else if (stops && (stayed || kept)) fault("who stopped reading was not closed", channel);
  else if (stops) dropped.add(1);
  else if (stayed) rested.add(1);
  else fault("a short nap was not forgiven", channel);
  await lobby.all("written", 1, PATIENCE);
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
