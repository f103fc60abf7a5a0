// Many rooms in which people read, write, react and type: how long until the others have it, and does all of it arrive?
import exec from "k6/execution";
import { Counter } from "k6/metrics";
import { number, time } from "./lib/env.js";
import { Lobby } from "./lib/lobby.js";
import { CLEAN } from "./lib/metrics.js";
import { Person, settleAll } from "./lib/person.js";
import { summary, TREND } from "./lib/summary.js";
import { deal, each, once, vu } from "./lib/vu.js";
import { world } from "./lib/world.js";

const PEOPLE = number("PEOPLE", 120);
const ROOMS = number("ROOMS", 30);
const ROOMS_EACH = number("ROOMS_EACH", 3);
const TABLES = number("TABLES", 8);
const THINK = time("THINK", "2s");
const DURATION = time("DURATION", "40s");
const P95 = number("P95", 500);

const typing = new Counter("typing_heard");
const presence = new Counter("presence_heard");

export const options = {
  scenarios: { talk: once("talk", TABLES, DURATION / 1000 + 120) },
  thresholds: {
    ...CLEAN,
    finished: [`count==${TABLES}`],
    // Half of what people do is a write; a quarter of it at least must have come through.
    acknowledged: [`count>${(PEOPLE * DURATION) / THINK / 4}`],
    delivery: [`p(95)<${P95}`],
    answer: [`p(95)<${P95}`],
    "http_req_duration{scenario:talk}": [`p(95)<${P95}`],
    typing_heard: ["count>0"],
    presence_heard: ["count>0"],
  },
  summaryTrendStats: TREND,
};

export const setup = () => world(PEOPLE, ROOMS);

export const talk = vu(async (world) => {
  const table = exec.scenario.iterationInTest;
  const lobby = await Lobby.enter(world, world.tokens[table]);
  const people = await each(deal(PEOPLE, TABLES, table), 4, async ({ n }) => {
    const posts = Array.from({ length: ROOMS_EACH }, (_, room) => world.posts[(n + room * 7) % ROOMS]);
    const person = new Person(n, world.tokens[n], [...new Set(posts)]);
    await person.come();
    return person;
  });
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
