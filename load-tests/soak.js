// A small site for a while: does it get slower, does it keep what it should let go, does a heartbeat fail to come?
import exec from "k6/execution";
import http from "k6/http";
import { Counter, Trend } from "k6/metrics";
import { sleep } from "k6";
import { METRICS, number, time } from "./lib/env.js";
import { Lobby } from "./lib/lobby.js";
import { CLEAN, fault } from "./lib/metrics.js";
import { around, Person, settleAll } from "./lib/person.js";
import { summary, TREND } from "./lib/summary.js";
import { wait } from "./lib/timer.js";
import { deal, each, once, vu } from "./lib/vu.js";
import { world } from "./lib/world.js";

const PEOPLE = number("PEOPLE", 80);
const ROOMS = number("ROOMS", 20);
const TABLES = number("TABLES", 8);
const THINK = time("THINK", "4s");
/** How long somebody stays before going away for a moment. */
const STAY = time("STAY", "30s");
const DURATION = time("DURATION", "2m");
const P95 = number("P95", 500);

/** Delivery in the first quarter, and in the last. */
const early = new Trend("early", true);
const late = new Trend("late", true);
const heartbeats = new Counter("heartbeats");
const returned = new Counter("returned");
/** Sockets and rosters that an instance still had when all were gone. */
const kept = new Counter("kept");

export const options = {
  scenarios: { live: once("table", TABLES, DURATION / 1000 + 120) },
  thresholds: {
    ...CLEAN,
    finished: [`count==${TABLES}`],
    acknowledged: [`count>${(PEOPLE * DURATION) / THINK / 4}`],
    early: [`p(95)<${P95}`],
    late: [`p(95)<${P95}`],
    answer: [`p(95)<${P95}`],
    "http_req_duration{scenario:live}": [`p(95)<${P95}`],
    ...(DURATION >= 60_000 && { heartbeats: [`count>${PEOPLE}`], returned: [`count>${PEOPLE / 4}`] }),
    kept: ["count==0"],
  },
  summaryTrendStats: TREND,
};

export const setup = () => world(PEOPLE, ROOMS);

/** Acts, and goes away now and then, until the end. */
const live = async (person, end) => {
  for (;;) {
    await person.actUntil(Math.min(Date.now() + around(STAY), end), THINK);
    if (Date.now() + 3000 > end) return wait(Math.max(end - Date.now(), 0));
    await person.away(around(1000) / 4);
    returned.add(1);
  }
};

export const table = vu(async (world) => {
  const place = exec.scenario.iterationInTest;
  const lobby = await Lobby.enter(world, world.tokens[place]);
  let begun = Infinity;
  const onEvent = ({ at }, arrival, live) => {
    const stamp = Date.parse(at);
    // What is replayed waited for its reader.
    if (!live || stamp < begun) return;
    if (stamp < begun + DURATION / 4) early.add(arrival - stamp);
    else if (stamp > begun + (DURATION * 3) / 4) late.add(arrival - stamp);
  };
  const people = await each(deal(PEOPLE, TABLES, place), 4, async ({ n }) => {
    const posts = [0, 1, 2].map((room) => world.posts[(n + room * 7) % ROOMS]);
    const person = new Person(n, world.tokens[n], [...new Set(posts)], { inbox: true, onEvent });
    await person.come();
    return person;
  });
  await lobby.meet("here", TABLES);
  begun = Date.now();
  await Promise.all(people.map((person) => live(person, begun + DURATION)));
  await lobby.meet("quiet", TABLES);
  await settleAll(people);
  for (const { heard } of people) heartbeats.add(heard.heartbeat || 0);
});

/** When all are gone an instance must know it. */
export const teardown = () => {
  const held = (url) => {
    const lines = http.get(url, { tags: { name: "metrics" } }).body.split("\n");
    const value = (name) => Number(lines.find((line) => line.startsWith(`${name} `))?.split(" ")[1] ?? NaN);
    return value("belfry_sockets") + value("belfry_rosters");
  };
  for (const url of METRICS) {
    let rest = held(url);
    for (let tries = 0; rest !== 0 && tries < 20; tries += 1) {
      sleep(0.5);
      rest = held(url);
    }
    if (rest !== 0) {
      kept.add(rest || 1);
      fault("sockets or rosters are kept though all are gone", `${url}: ${rest}`);
    }
  }
};

export const handleSummary = summary("soak", `${PEOPLE} people, ${ROOMS} rooms, an act every ${THINK / 1000} s`, [
  "early",
  "late",
]);
