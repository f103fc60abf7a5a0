// A small site for a while: does it get slower, does it keep what it should let go, does a heartbeat fail to come?
import http from "k6/http";
import { Counter, Trend } from "k6/metrics";
import { sleep } from "k6";
import { METRICS, number, time } from "./lib/env.js";
import { Lobby } from "./lib/lobby.js";
import { fault, within } from "./lib/metrics.js";
import { around, company, lively, settleAll } from "./lib/person.js";
import { plan } from "./lib/plan.js";
import { summary } from "./lib/summary.js";
import { wait } from "./lib/timer.js";
import { vu } from "./lib/vu.js";
import { world } from "./lib/world.js";

const PEOPLE = number("PEOPLE", 80);
const ROOMS = number("ROOMS", 20);
const ROOMS_EACH = number("ROOMS_EACH", 3);
const TABLES = number("TABLES", 8);
const THINK = time("THINK", "4s");
/** How long somebody stays before going away for a moment. */
const STAY = time("STAY", "30s");
const DURATION = time("DURATION", "2m");

/** Delivery in the first quarter, and in the last. */
const early = new Trend("early", true);
const late = new Trend("late", true);
const heartbeats = new Counter("heartbeats");
const returned = new Counter("returned");
/** Sockets and rosters that an instance still had when all were gone. */
const kept = new Counter("kept");

export const options = plan(
  DURATION,
  { live: TABLES },
  {
    ...lively({ people: PEOPLE, rooms: ROOMS, each: ROOMS_EACH, think: THINK, duration: DURATION }),
    early: within(),
    late: within(),
    "http_req_duration{scenario:live}": within(),
    // One a minute at least for each, and a quarter of the times that they mean to go away.
    ...(DURATION >= 60_000 && {
      heartbeats: [`count>${(PEOPLE * DURATION) / 60_000}`],
      returned: [`count>${(PEOPLE * DURATION) / STAY / 4}`],
    }),
    kept: ["count==0"],
  },
);

export const setup = () => world(Math.max(PEOPLE, TABLES), ROOMS);

/** Acts, and goes away now and then, until the end. */
const stays = async (person, end) => {
  for (;;) {
    await person.actUntil(Math.min(Date.now() + around(STAY), end), THINK);
    if (Date.now() + 3000 > end) return wait(Math.max(end - Date.now(), 0));
    await person.away(around(1000) / 4);
    returned.add(1);
  }
};

export const live = vu(async (world, table) => {
  const lobby = await Lobby.enter(world, world.tokens[table]);
  let begun = Infinity;
  const onEvent = ({ at }, arrival, live) => {
    const stamp = Date.parse(at);
    // What is replayed waited for its reader.
    if (!live || stamp < begun) return;
    if (stamp < begun + DURATION / 4) early.add(arrival - stamp);
    else if (stamp > begun + (DURATION * 3) / 4) late.add(arrival - stamp);
  };
  const people = await company(PEOPLE, TABLES, table, world, ROOMS_EACH, { inbox: true, onEvent });
  await lobby.meet("here", TABLES);
  begun = Date.now();
  await Promise.all(people.map((person) => stays(person, begun + DURATION)));
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
