import type { Name, Person, Presence, ServerMessage } from "../../src/protocol.js";
import { face } from "./fake-data.js";
import type { HubSocket } from "./fake-hub.js";

const LISTED = 100;
const TYPING_MS = 6_000;

/** Who is where and who writes, told at once: nothing waits here. */
export class FakePresence {
  #told = new Map<string, { people: Person[]; anonymous: number }>();
  #typing = new Map<string, Map<number, { name: Name; until: number }>>();

  constructor(
    private sockets: Set<HubSocket>,
    private now: () => number,
  ) {}

  /** What a new subscription is told. */
  whole(channel: string): Presence {
    const { anonymous, people } = this.#look(channel);
    return { count: people.length + anonymous, anonymous, users: people.slice(0, LISTED) };
  }

  /** Tells the others in a room what changed since they were last told. */
  changed(channel: string, except?: HubSocket): void {
    const before = this.#told.get(channel) ?? { people: [], anonymous: 0 };
    const now = this.#look(channel);
    this.#told.set(channel, now);
    const missing = (from: Person[], of: Person[]) => of.filter(({ id }) => !from.some((one) => one.id === id));
    const joined = missing(before.people, now.people);
    const left = missing(now.people, before.people).map(({ id }) => id);
    if (!joined.length && !left.length && before.anonymous === now.anonymous) return;
    const message: ServerMessage = {
      type: "presence",
      channel,
      count: now.people.length + now.anonymous,
      anonymous: now.anonymous,
      joined,
      left,
    };
    for (const socket of this.sockets) {
      if (socket !== except && socket.present.has(channel)) socket.send(message);
    }
  }

  typing(channel: string, { id, name }: Person, until = this.now() + TYPING_MS): void {
    let names = this.#typing.get(channel);
    if (!names) this.#typing.set(channel, (names = new Map()));
    const before = names.size;
    names.set(id, { name: { id, name }, until });
    for (const [id, { until }] of names) if (until <= this.now()) names.delete(id);
    if (!before && !names.size) return;
    const users = [...names.values()].map(({ name }) => name);
    for (const socket of this.sockets) {
      if (socket.channels.has(channel)) socket.send({ type: "typing", channel, users });
    }
  }

  #look(channel: string): { people: Person[]; anonymous: number } {
    const here = [...this.sockets].filter((socket) => socket.present.has(channel));
    const people = new Map(here.flatMap(({ user }) => (user ? [[user.id, face(user)] as const] : [])));
    return { people: [...people.values()], anonymous: here.filter(({ user }) => !user).length };
  }
}
