// Bells: how long until they ring on every socket of a person, and does the number say what is unread?
import { Counter } from "k6/metrics";
import { API_KEY, number, time } from "./lib/env.js";
import { Follower } from "./lib/follower.js";
import { Lobby } from "./lib/lobby.js";
import { acknowledged, fault, within } from "./lib/metrics.js";
import { plan } from "./lib/plan.js";
import { settle } from "./lib/readers.js";
import { asking } from "./lib/rest.js";
import { summary } from "./lib/summary.js";
import { wait } from "./lib/timer.js";
import { dealt, opened, vu } from "./lib/vu.js";
import { userOf, world } from "./lib/world.js";

const PEOPLE = number("PEOPLE", 80);
const HOUSES = number("HOUSES", 8);
const THINK = time("THINK", "2s");
/** Between two notices of the back end, each for everybody. */
const NOTICES = time("NOTICES", "2s");
const DURATION = time("DURATION", "30s");
/** What people do, about. */
const ACTS = (PEOPLE * DURATION) / THINK;
/** Of each person: the multiplexed one, and the notifications' own in both codecs. */
const SOCKETS = 3;
const SENT = API_KEY ? Math.floor(DURATION / NOTICES) : 0;
const KIND = "load.notice";

/** Notices of the back end that came, once each at each socket. */
const noticed = new Counter("noticed");
/** Notifications of what people did, at each socket. */
const rung = new Counter("rung");
/** Sockets whose number was not the number of unread notifications. */
const miscounted = new Counter("miscounted");

export const options = plan(
  DURATION,
  { bells: HOUSES },
  {
    // Half of what people do at least must have come through, to half of the sockets at least that it rings on.
    acknowledged: [`count>${SENT * PEOPLE + ACTS / 2}`],
    rung: [`count>${(SOCKETS * ACTS) / 4}`],
    noticed: [`count==${SENT * PEOPLE * SOCKETS}`],
    delivery: within(),
    answer: within(),
    miscounted: ["count==0"],
  },
);

export const setup = () => world(Math.max(PEOPLE, HOUSES), PEOPLE);

/** One socket's bell: what rings, and the number of unread ones that it shows. */
const bell = (channel) => {
  const onEvent = ({ data }) => {
    self.unread = data.unread;
    if (!data.notification) return;
    (data.notification.kind === KIND ? noticed : rung).add(1);
  };
  const self = new Follower(channel, { onEvent });
  return self;
};

/** One person, with these sockets and a post of their own. */
class Neighbour {
  constructor(n, { tokens, posts }) {
    Object.assign(this, { n, token: tokens[n], id: userOf(tokens[n]), posts });
    this.bells = Array.from({ length: SOCKETS }, () => bell(`user:${this.id}`));
  }

  async come() {
    const [first, second, third] = this.bells;
    this.socket = await opened("/ws", { n: this.n });
    const { subscriptions } = await this.socket.connect({ token: this.token, follow: [first] });
    first.unread = subscriptions[0].unread;
    const plain = await opened("/ws/notifications", { n: this.n + 1 });
    second.unread = (await plain.follows(second, this.token)).unread;
    const packed = await opened("/ws/notifications", { n: this.n, codec: "msgpack" });
    third.unread = (await packed.follows(third, this.token)).unread;
    return this;
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
    for (const bell of this.bells) {
      if (bell.unread === unread) continue;
      miscounted.add(1);
      fault("a bell says another number", `${bell.unread}, ${unread}`);
    }
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

export const bells = vu(async (world, house) => {
  const lobby = await Lobby.enter(world, world.tokens[house]);
  const people = await dealt(PEOPLE, HOUSES, house, ({ n }) => new Neighbour(n, world).come());
  await lobby.meet("home", HOUSES);
  const end = Date.now() + DURATION;
  const acts = people.map((neighbour) => neighbour.actUntil(end));
  if (house === 0) acts.push(announce(world.tokens.slice(0, PEOPLE).map(userOf)));
  await Promise.all(acts);
  await lobby.meet("quiet", HOUSES);
  for (const neighbour of people) await neighbour.counts();
});

export const handleSummary = summary(
  "notifications",
  `${PEOPLE} people with ${SOCKETS} sockets each, ${SENT} notices to all`,
);
