// Bells: how long until they ring on every socket of a person, and does the number say what is unread?
import exec from "k6/execution";
import { Counter } from "k6/metrics";
import { API_KEY, number, time } from "./lib/env.js";
import { Follower } from "./lib/follower.js";
import { Lobby } from "./lib/lobby.js";
import { acknowledged, CLEAN, fault } from "./lib/metrics.js";
import { settle } from "./lib/readers.js";
import { asking } from "./lib/rest.js";
import { summary, TREND } from "./lib/summary.js";
import { wait } from "./lib/timer.js";
import { deal, each, once, opened, vu } from "./lib/vu.js";
import { userOf, world } from "./lib/world.js";

const PEOPLE = number("PEOPLE", 80);
const HOUSES = number("HOUSES", 8);
const THINK = time("THINK", "2s");
/** Between two notices of the back end, each for everybody. */
const NOTICES = time("NOTICES", "2s");
const DURATION = time("DURATION", "30s");
const P95 = number("P95", 500);
const SENT = API_KEY ? Math.floor(DURATION / NOTICES) : 0;
const KIND = "load.notice";

/** Notices of the back end that came, once each at each socket. */
const noticed = new Counter("noticed");
/** Bells whose number was not the number of unread notifications. */
const miscounted = new Counter("miscounted");

export const options = {
  scenarios: { bells: once("bells", HOUSES, DURATION / 1000 + 120) },
  thresholds: {
    ...CLEAN,
    finished: [`count==${HOUSES}`],
    acknowledged: [`count>${(PEOPLE * DURATION) / THINK / 2}`],
    delivered: [`count>${(PEOPLE * DURATION) / THINK}`],
    delivery: [`p(95)<${P95}`],
    noticed: [`count==${SENT * PEOPLE * 3}`],
    miscounted: ["count==0"],
  },
  summaryTrendStats: TREND,
};

export const setup = () => world(PEOPLE, PEOPLE);

/** One person, with the multiplexed socket and the shortcut in both codecs, and a post of their own. */
class Neighbour {
  constructor(n, { tokens, posts }) {
    Object.assign(this, { n, token: tokens[n], id: userOf(tokens[n]), posts });
    this.bells = [0, 1, 2].map(() => new Follower(`user:${this.id}`, { onEvent: (event) => this.#rings(event) }));
  }

  async come() {
    const [first, second, third] = this.bells;
    this.socket = await opened("/ws", { n: this.n });
    await this.socket.connect({ token: this.token, follow: [first] });
    await (await opened("/ws/notifications", { n: this.n + 1 })).follows(second, this.token);
    const packed = await opened("/ws/notifications", { n: this.n, codec: "msgpack" });
    await packed.follows(third, this.token);
  }

  /** Comments on somebody's post, whose bell rings; now and then looks at what is new. */
  async act() {
    if (Math.random() < 0.15) {
      await this.socket.ask({ type: "notifications.read", all: true });
    } else {
      const post_id = this.posts[Math.floor(Math.random() * PEOPLE)];
      await this.socket.ask({ type: "comment.create", post_id, body: "Nice garden." });
    }
    acknowledged.add(1);
  }

  async actUntil(end) {
    for (let next = THINK * Math.random(); Date.now() + next < end; next = THINK * (0.5 + Math.random())) {
      await wait(next);
      await this.act();
    }
  }

  /** Every socket says the same, and what it says is what there is. */
  async counts() {
    await settle(`user:${this.id}`, this.bells, this);
    const { unread } = await asking("GET", "/notifications?limit=1", this);
    if (this.unread === undefined || this.unread === unread) return;
    miscounted.add(1);
    fault("the bell says another number", `${this.unread}, ${unread}`);
  }

  #rings({ kind, data }) {
    this.unread = data.unread;
    if (kind === "notification.created" && data.notification.kind === KIND) noticed.add(1);
  }
}

const announce = async (ids) => {
  for (let n = 0; n < SENT; n += 1) {
    const body = { user_ids: ids, kind: KIND, title: `Notice ${n}`, key: `k6-${Date.now()}-${n}` };
    const { accepted } = await asking("POST", "/notify", { token: API_KEY, body });
    if (accepted !== ids.length) fault("not everybody was told", `${accepted} of ${ids.length}`);
    acknowledged.add(accepted);
    await wait(NOTICES);
  }
};

export const bells = vu(async (world) => {
  const house = exec.scenario.iterationInTest;
  const lobby = await Lobby.enter(world, world.tokens[house]);
  const people = await each(deal(PEOPLE, HOUSES, house), 4, async ({ n }) => {
    const neighbour = new Neighbour(n, world);
    await neighbour.come();
    return neighbour;
  });
  await lobby.meet("home", HOUSES);
  const end = Date.now() + DURATION;
  const acts = people.map((neighbour) => neighbour.actUntil(end));
  if (house === 0) acts.push(announce(world.tokens.slice(0, PEOPLE).map(userOf)));
  await Promise.all(acts);
  await lobby.meet("quiet", HOUSES);
  for (const neighbour of people) await neighbour.counts();
});

export const handleSummary = summary("notifications", `${PEOPLE} people with 3 sockets each, ${SENT} notices to all`);
