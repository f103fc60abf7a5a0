// How fast do sockets come in, and does the last of them hear what the first one hears?
import exec from "k6/execution";
import { Counter } from "k6/metrics";
import { number, time } from "./lib/env.js";
import { Follower } from "./lib/follower.js";
import { Lobby } from "./lib/lobby.js";
import { acknowledged, CLEAN } from "./lib/metrics.js";
import { settle } from "./lib/readers.js";
import { ask } from "./lib/rest.js";
import { summary, TREND } from "./lib/summary.js";
import { wait } from "./lib/timer.js";
import { deal, once, opened, vu } from "./lib/vu.js";
import { userOf, world } from "./lib/world.js";

const SOCKETS = number("SOCKETS", 2000);
const CROWDS = number("CROWDS", 8);
const RATE = number("RATE", 200);
const HOLD = time("HOLD", "3s");
const P95 = number("P95", 500);
/** What comes in turn: signed in and anonymous ones, the post's shortcut, the notifications'. */
const WAYS = 4;
/** All but the last way follow the room. */
const listens = ({ turn }) => turn % WAYS < WAYS - 1;
const crowds = Array.from({ length: CROWDS }, (_, crowd) => deal(SOCKETS, CROWDS, crowd));
/** Sockets of one person stay below the usual 20. */
const PEOPLE = Math.ceil(SOCKETS / WAYS / 8);
const SECONDS = SOCKETS / RATE + HOLD / 1000 + 120;

const joined = new Counter("joined");

export const options = {
  scenarios: { storm: once("storm", CROWDS, SECONDS) },
  thresholds: {
    ...CLEAN,
    finished: [`count==${CROWDS}`],
    joined: [`count==${SOCKETS}`],
    delivered: [`count==${crowds.flat().filter(listens).length}`],
    joining: [`p(95)<${P95}`],
  },
  summaryTrendStats: TREND,
};

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

export const storm = vu(async (world) => {
  const crowd = exec.scenario.iterationInTest;
  const token = world.tokens[crowd];
  const [post] = world.posts;
  const lobby = await Lobby.enter(world, token);
  await lobby.meet("ready", CROWDS);
  const begun = Date.now();
  const joins = [];
  for (const place of crowds[crowd]) {
    await wait(begun + (place.n * 1000) / RATE - Date.now());
    joins.push(join(place, world));
  }
  const rooms = (await Promise.all(joins)).filter(Boolean);
  await lobby.meet("in", CROWDS);
  if (crowd === 0) {
    ask("POST", `/posts/${post}/comments`, { token, body: { body: "Can everybody hear me?" } });
    acknowledged.add(1);
    await lobby.says("said");
  }
  await lobby.all("said", 1);
  await settle(`post:${post}`, rooms);
  await wait(HOLD);
});

export const handleSummary = summary("connect-storm", `${SOCKETS} sockets, ${RATE}/s`);
