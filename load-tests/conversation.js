// Many rooms in which people read, write, react and type: how long until the others have it, and does all of it arrive?
import { Counter } from "k6/metrics";
import { number, time } from "./lib/env.js";
import { Lobby } from "./lib/lobby.js";
import { within } from "./lib/metrics.js";
import { company, lively, settleAll } from "./lib/person.js";
import { plan } from "./lib/plan.js";
import { summary } from "./lib/summary.js";
import { vu } from "./lib/vu.js";
import { world } from "./lib/world.js";

const PEOPLE = number("PEOPLE", 120);
const ROOMS = number("ROOMS", 30);
const ROOMS_EACH = number("ROOMS_EACH", 3);
const TABLES = number("TABLES", 8);
const THINK = time("THINK", "2s");
const DURATION = time("DURATION", "40s");

const typing = new Counter("typing_heard");
const presence = new Counter("presence_heard");

export const options = plan(
  DURATION,
  { talk: TABLES },
  {
    ...lively({ people: PEOPLE, rooms: ROOMS, each: ROOMS_EACH, think: THINK, duration: DURATION }),
    // Pages above all; what `setup` asked for is not in it.
    "http_req_duration{scenario:talk}": within(),
    typing_heard: ["count>0"],
    presence_heard: ["count>0"],
  },
);

export const setup = () => world(Math.max(PEOPLE, TABLES), ROOMS);

export const talk = vu(async (world, table) => {
  const lobby = await Lobby.enter(world, world.tokens[table]);
  const people = await company(PEOPLE, TABLES, table, world, ROOMS_EACH);
  await lobby.meet("here", TABLES);
  const end = Date.now() + DURATION;
  await Promise.all(people.map((person) => person.actUntil(end, THINK)));
  await lobby.meet("quiet", TABLES);
  await settleAll(people);
  for (const { heard } of people) {
    typing.add(heard.typing || 0);
    presence.add(heard.presence || 0);
  }
});

export const handleSummary = summary(
  "conversation",
  `${PEOPLE} people, ${ROOMS} rooms, an act every ${THINK / 1000} s`,
);
