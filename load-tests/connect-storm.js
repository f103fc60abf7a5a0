// How fast do sockets come in, and does the last of them hear what the first one hears?
import { Counter } from "k6/metrics";
import { number, time } from "./lib/env.js";
import { Follower } from "./lib/follower.js";
import { Lobby } from "./lib/lobby.js";
import { within } from "./lib/metrics.js";
import { plan } from "./lib/plan.js";
import { settle } from "./lib/readers.js";
import { summary } from "./lib/summary.js";
import { pace, wait } from "./lib/timer.js";
import { deal, opened, vu } from "./lib/vu.js";
import { userOf, world } from "./lib/world.js";
import { Writer } from "./lib/writer.js";

const SOCKETS = number("SOCKETS", 2000);
const CROWDS = number("CROWDS", 8);
const RATE = number("RATE", 200);
const HOLD = time("HOLD", "3s");
/** What comes in turn: signed in and anonymous ones, the post's shortcut, the notifications'. */
const WAYS = 4;
/** All but the last way follow the room. */
const listens = ({ turn }) => turn % WAYS < WAYS - 1;
const crowds = Array.from({ length: CROWDS }, (_, crowd) => deal(SOCKETS, CROWDS, crowd));
/** Sockets of one person stay below the usual 20. */
const PEOPLE = Math.ceil(SOCKETS / WAYS / 8);

const joined = new Counter("joined");

export const options = plan(
  (SOCKETS / RATE) * 1000 + HOLD,
  { storm: CROWDS },
  {
    joined: [`count==${SOCKETS}`],
    acknowledged: ["count==1"],
    delivered: [`count==${crowds.flat().filter(listens).length}`],
    joining: within(),
  },
);

export const setup = () => world(Math.max(PEOPLE, CROWDS), 1);

const join = async ({ n, turn }, { posts: [post], tokens }) => {
  const codec = turn % (2 * WAYS) < WAYS ? "json" : "msgpack";
  const token = tokens[n % PEOPLE];
  const room = new Follower(`post:${post}`);
  // Its events are few, and not what this is about.
  const inbox = new Follower(`user:${userOf(token)}`, { measured: false });
  const way = turn % WAYS;
  const path = ["/ws", "/ws", `/ws/posts/${post}/live`, "/ws/notifications"][way];
  const socket = await opened(path, { n, codec });
  if (way === 0) await socket.connect({ token, follow: [room, inbox] });
  else if (way === 1) await socket.connect({ follow: [room] });
  else if (way === 2) await socket.follows(room);
  else await socket.follows(inbox, token);
  joined.add(1);
  return listens({ turn }) ? room : null;
};

export const storm = vu(async (world, crowd) => {
  const token = world.tokens[crowd];
  const [post] = world.posts;
  const lobby = await Lobby.enter(world, token);
  await lobby.meet("ready", CROWDS);
  const due = pace(RATE);
  const joins = [];
  for (const place of crowds[crowd]) {
    await due(place.n);
    joins.push(join(place, world));
  }
  const rooms = (await Promise.all(joins)).filter(Boolean);
  await lobby.meet("in", CROWDS);
  if (crowd === 0) {
    const writer = await Writer.enter(post, token);
    writer.says("Can everybody hear me?");
    await writer.ends(lobby);
  }
  await lobby.all("written", 1);
  await settle(`post:${post}`, rooms);
  await wait(HOLD);
});

export const handleSummary = summary("connect-storm", `${SOCKETS} sockets, ${RATE}/s`);
