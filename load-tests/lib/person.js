// Somebody who takes part: sits in some rooms with one socket, reads, writes, reacts, types, goes and comes back.
import { Follower } from "./follower.js";
import { acknowledged, fault, within } from "./metrics.js";
import { settle } from "./readers.js";
import { asking } from "./rest.js";
import { wait } from "./timer.js";
import { dealt, opened } from "./vu.js";
import { userOf } from "./world.js";

const EMOJI = ["👍", "❤️", "🎉", "😂", "👀"];

const any = (list) => list[Math.floor(Math.random() * list.length)];

/** A random time around a mean, at most ten times it: as people act, independently of each other. */
export const around = (mean) => Math.min(-Math.log(1 - Math.random()) * mean, mean * 10);

export class Person {
  /** Messages heard that are no events, by type. */
  heard = {};
  /** What was acknowledged, as `settle` wants it, by post. */
  acks = new Map();
  #reacted = new Set();
  #own = [];
  #newest = new Map();

  /** The nth person of a world, in so many of its rooms; `inbox` follows their own channel too. */
  constructor(n, world, rooms, { inbox = false, onEvent = () => {} } = {}) {
    const token = world.tokens[n];
    const place = (_, room) => world.posts[(n + room * 7) % world.posts.length];
    const posts = [...new Set(Array.from({ length: rooms }, place))];
    Object.assign(this, { n, token, posts, id: userOf(token) });
    const room = (post) => {
      const told = (event, ...when) => {
        if (event.kind === "comment.created") this.#newest.set(post, event.data.comment.id);
        onEvent(event, ...when);
      };
      return new Follower(`post:${post}`, { onEvent: told });
    };
    this.rooms = posts.map(room);
    this.inbox = inbox ? new Follower(`user:${this.id}`, { onEvent }) : null;
    this.followers = inbox ? [...this.rooms, this.inbox] : this.rooms;
    for (const post of posts) this.acks.set(post, []);
  }

  /** Comes, or comes back to where they left off. */
  async come() {
    this.socket = await opened("/ws", { n: this.n, codec: this.n % 2 ? "msgpack" : "json" });
    this.socket.onMessage = ({ type }) => (this.heard[type] = (this.heard[type] || 0) + 1);
    await this.socket.connect({ token: this.token, follow: this.followers, presence: true });
    return this;
  }

  async go() {
    await this.socket.close();
  }

  /** Goes for a while; everything is there afterwards. */
  async away(milliseconds) {
    await this.go();
    await wait(milliseconds);
    await this.come();
    for (const { recovered, channel } of this.followers) if (!recovered) fault("not recovered", channel);
  }

  /** Writes to a room, half of the time to whom wrote last. */
  async say(post = any(this.posts)) {
    const parent_id = Math.random() < 0.5 ? this.#newest.get(post) : undefined;
    const key = `k6-${this.n}-${Date.now()}-${Math.floor(Math.random() * 1e6)}`;
    const command = {
      type: "comment.create",
      post_id: post,
      parent_id,
      body: `Person ${this.n} has *something* to say.`,
      key,
    };
    const { data } = await this.socket.ask(command);
    this.#own.push(data);
    this.#acked(post, data.seq, data.id);
  }

  async edit() {
    const own = any(this.#own);
    if (!own) return this.say();
    const { data } = await this.socket.ask({
      type: "comment.edit",
      comment_id: own.id,
      body: `Changed at ${Date.now()}.`,
    });
    this.#acked(own.post_id, data.updated_seq, own.id);
  }

  async react() {
    const post = any(this.posts);
    const id = this.#newest.get(post);
    const emoji = any(EMOJI);
    if (!id || this.#reacted.has(id + emoji)) return this.say(post);
    this.#reacted.add(id + emoji);
    const { data } = await this.socket.ask({ type: "comment.react", comment_id: id, emoji, on: true });
    this.#acked(post, data.seq, id);
  }

  type() {
    this.socket.tell({ type: "typing", channel: `post:${any(this.posts)}` });
  }

  /** Reads a page as a browser does when it opens one. */
  async read() {
    const page = await asking("GET", `/posts/${any(this.posts)}/comments?sort=newest&limit=30`, this);
    if (!page.epoch || !Array.isArray(page.items)) fault("no page of comments", JSON.stringify(page));
  }

  /** One of these. */
  act() {
    const chance = Math.random();
    if (chance < 0.3) return this.say();
    if (chance < 0.5) return this.react();
    if (chance < 0.55) return this.edit();
    if (chance < 0.7) return this.type();
    return this.read();
  }

  /** Acts until then, with time to think in between. */
  async actUntil(end, think) {
    for (;;) {
      const pause = around(think);
      if (Date.now() + pause >= end) return wait(Math.max(end - Date.now(), 0));
      await wait(pause);
      await this.act();
    }
  }

  #acked(post, seq, id) {
    acknowledged.add(1);
    this.acks.get(post).push({ seq, id });
  }
}

/** Those of so many people who fall to one of so many tables, when they have come. */
export const company = (people, tables, table, world, rooms, options) =>
  dealt(people, tables, table, ({ n }) => new Person(n, world, rooms, options).come());

/**
 * Thresholds where so many people act for a time: half of what they do is a write. Half of that at least must have come
 * through, to half of those at least who sit in its room, and as soon as it should.
 */
export const lively = ({ people, rooms, each, think, duration }) => {
  const writes = (people * duration) / think / 4;
  const audience = (people * each) / rooms;
  return {
    acknowledged: [`count>${writes}`],
    delivered: [`count>${(writes * audience) / 2}`],
    delivery: within(),
    answer: within(),
  };
};

/** When nobody acts any more: each of them has all of everything, and all they were told was kept was kept. */
export const settleAll = async (people) => {
  const rooms = new Map();
  for (const person of people) {
    person.rooms.forEach((follower, n) => {
      const post = person.posts[n];
      const room = rooms.get(post) ?? { followers: [], acks: [], token: person.token };
      room.followers.push(follower);
      room.acks.push(...person.acks.get(post));
      rooms.set(post, room);
    });
  }
  for (const [post, { followers, ...rest }] of rooms) await settle(`post:${post}`, followers, rest);
  for (const { inbox, token, id } of people) if (inbox) await settle(`user:${id}`, [inbox], { token });
};
