import assert from "node:assert/strict";
import { test } from "node:test";
import type { Person, Presence, Room, ServerMessage } from "../src/index.js";
import { nextRoster } from "../src/roster.js";
import { World, settle } from "./support/world.js";

const person = (id: number): Person => ({ id, name: `Person ${id}`, handle: `p${id}`, avatar_url: null });
const people = (...ids: number[]): Person[] => ids.map(person);
const ids = (users: { id: number }[] | undefined) => users?.map(({ id }) => id);

/** A live room of Ada's, asked for with presence, and a way to tell it something. */
async function joined(world: World): Promise<{ room: Room; tell: (message: object) => Promise<void> }> {
  const client = await world.connected();
  const room = client.room(world.channel, { presence: true });
  room.join();
  await settle();
  const tell = async (message: object) => {
    world.socket.send({ channel: world.channel, ...message } as ServerMessage);
    await settle();
  };
  return { room, tell };
}

test("a whole roster takes the place of what was known, a change changes it", () => {
  const told: Presence[] = [
    { count: 4, anonymous: 1, users: people(1, 2, 3) },
    { count: 5, anonymous: 1, joined: people(4) },
    { count: 3, anonymous: 1, left: [1, 2] },
    { count: 2, anonymous: 0, users: people(7, 8) },
  ];
  const seen: number[][] = [];
  let roster = null as ReturnType<typeof nextRoster> | null;
  for (const one of told) {
    roster = nextRoster(roster, one);
    seen.push([roster.count, roster.anonymous, ...ids(roster.users)!]);
    assert.equal(roster.sampled, false);
  }
  assert.deepEqual(seen, [
    [4, 1, 1, 2, 3],
    [5, 1, 1, 2, 3, 4],
    [3, 1, 3, 4],
    [2, 0, 7, 8],
  ]);
});

test("above a hundred people the count stays true while the list is a sample", () => {
  const hundred = people(...Array.from({ length: 100 }, (_, n) => n + 1));
  const roster = nextRoster(null, { count: 105, anonymous: 5, users: hundred });
  assert.equal(roster.sampled, false);
  const crowd = nextRoster(roster, { count: 106, anonymous: 5, joined: people(101) });
  assert.deepEqual([crowd.count, crowd.users.length, crowd.sampled], [106, 100, true]);
  const smaller = nextRoster(crowd, { count: 105, anonymous: 5, left: [101] });
  assert.deepEqual([smaller.count, smaller.users.length, smaller.sampled], [105, 100, false]);
});

test("of a crowd of which only numbers are told nobody is listed", () => {
  const roster = nextRoster(null, { count: 2, anonymous: 0, users: people(1, 2) });
  const crowd = nextRoster(roster, { count: 1_203, anonymous: 2 });
  assert.deepEqual(crowd, { count: 1_203, anonymous: 2, users: [], partial: false, sampled: true });
  const nameless = nextRoster(roster, { count: 3, anonymous: 1, joined: [], left: [] });
  assert.deepEqual(ids(nameless.users), [1, 2]);
});

test("somebody who joins again is taken over as told last, and stands there once", () => {
  const roster = nextRoster(nextRoster(null, { count: 1, anonymous: 0, users: people(1) }), {
    count: 1,
    anonymous: 0,
    joined: [{ ...person(1), name: "Renamed" }],
  });
  assert.deepEqual(
    roster.users.map(({ name }) => name),
    ["Renamed"],
  );
});

test("a server that cannot see everywhere says so, until it does again", () => {
  const dark = nextRoster(null, { count: 1, anonymous: 0, users: people(1), partial: true });
  assert.equal(dark.partial, true);
  assert.equal(nextRoster(dark, { count: 2, anonymous: 0, joined: people(2) }).partial, false);
});

test("presence is asked for when any holder of the room asks, also on a room that is live already", async () => {
  const world = new World();
  const client = await world.connected();
  const room = client.room(world.channel);
  room.join();
  await settle();
  assert.equal(world.received("subscribe")[0]!.presence, undefined);
  world.hub.addComment(world.ada, world.post.id, "one");
  await settle();
  const seen: number[] = [];
  room.on("event", ({ seq }) => seen.push(seq));
  assert.equal(client.room(world.channel, { presence: true }), room);
  client.room(world.channel);
  world.hub.addComment(world.ada, world.post.id, "two");
  await settle();
  assert.equal(world.received("subscribe")[1]!.presence, true);
  assert.deepEqual(seen, [2]);
  world.hub.closeAll(1006);
  await world.clock.advance(1_000);
  const [connect] = world.received("connect");
  assert.deepEqual((connect!.subscriptions as { presence?: boolean }[])[0]!.presence, true);
});

test("somebody else's typing is shown until 6 s after it was last told, oneself never", async () => {
  const world = new World();
  const { room, tell } = await joined(world);
  const told: string[] = [];
  room.on("typing", (names) => told.push(names.map(({ name }) => name).join()));
  await tell({ type: "typing", users: [world.ada, { id: 90, name: "Bob" }] });
  assert.deepEqual(
    room.typists.map(({ name }) => name),
    ["Bob"],
  );
  await world.clock.advance(4_000);
  await tell({ type: "typing", users: [{ id: 90, name: "Bob" }] });
  await world.clock.advance(5_999);
  assert.deepEqual(told, ["Bob"]);
  await world.clock.advance(1);
  assert.deepEqual(told, ["Bob", ""]);
});

test("nobody is left typing in a room that was cut or left, and no timer stays", async () => {
  const world = new World();
  const { room, tell } = await joined(world);
  await tell({ type: "typing", users: [{ id: 90, name: "Bob" }] });
  room.leave();
  assert.deepEqual(room.typists, []);
  room.join();
  await settle();
  await tell({ type: "typing", users: [{ id: 90, name: "Bob" }] });
  const before = world.clock.waiting;
  world.hub.closeAll(1006);
  await settle();
  assert.deepEqual(room.typists, []);
  assert.ok(world.clock.waiting < before);
});

test("typing is told once in 3 s however often a key is hit, and again on a new socket", async () => {
  const world = new World();
  const client = await world.connected();
  assert.equal(client.typing(world.channel), false, "not in that room");
  client.room(world.channel).join();
  await settle();
  assert.equal(client.typing(world.channel), true);
  assert.equal(client.typing(world.channel), true);
  await world.clock.advance(2_999);
  client.typing(world.channel);
  assert.equal(world.received("typing").length, 1);
  await world.clock.advance(1);
  client.typing(world.channel);
  await settle();
  assert.equal(world.received("typing").length, 2);
  world.hub.closeAll(1006);
  await settle();
  assert.equal(client.typing(world.channel), false);
  await world.clock.advance(1_000);
  assert.equal(client.typing(world.channel), true);
  await settle();
  assert.equal(world.received("typing").length, 1);
});

test("nobody signed in types nothing", async () => {
  const world = new World();
  const client = await world.connected({ token: async () => null });
  client.room(world.channel).join();
  await settle();
  assert.equal(client.typing(world.channel), false);
});

test("a signal reaches the room with who sent it", async () => {
  const world = new World();
  const { room, tell } = await joined(world);
  const told: unknown[] = [];
  room.on("signal", (signal) => told.push(signal));
  const from = { id: 90, name: "Bob" };
  await tell({ type: "signal", from, data: { x: 1 } });
  assert.deepEqual(told, [{ from, data: { x: 1 } }]);
});

test("`me` of somebody else is another channel: nothing of the former one's position is used", async () => {
  const world = new World();
  const bob = world.hub.addUser("Bob");
  for (const who of [world.ada, bob, bob]) world.hub.append(`user:${who.id}`, "custom.bell", {});
  let who: { id: number } = world.ada;
  const client = await world.connected({ token: async () => world.hub.signIn(who).token });
  const room = client.room("me");
  room.join();
  await settle();
  assert.equal(room.position!.seq, 1);
  const told: string[] = [];
  room.on("event", ({ channel, seq }) => told.push(`${channel} ${seq}`));
  room.on("refetch", ({ seq }) => told.push(`refetch at ${seq}`));
  who = bob;
  await client.reauthenticate();
  await settle();
  world.hub.append(`user:${bob.id}`, "custom.bell", {});
  world.hub.append(`user:${world.ada.id}`, "custom.bell", {});
  await settle();
  assert.deepEqual(told, ["refetch at 2", `user:${bob.id} 3`]);
});

test("a roster is whole after each join, follows who comes and goes, and is right again after a cut", async () => {
  const world = new World();
  const bob = world.hub.addUser("Bob");
  const { room } = await joined(world);
  const names = () => room.roster!.users.map(({ name }) => name).join();
  assert.equal(names(), "Ada");
  const { token } = world.hub.signIn(bob);
  const his = world.client({ token: async () => token });
  his.connect();
  his.room(world.channel, { presence: true }).join();
  const nobody = world.client();
  nobody.connect();
  nobody.room(world.channel, { presence: true }).join();
  await settle();
  assert.deepEqual([names(), room.roster!.count, room.roster!.anonymous], ["Ada,Bob", 3, 1]);
  his.close();
  await settle();
  assert.deepEqual([names(), room.roster!.count], ["Ada", 2]);
  world.hub.closeAll(1006);
  nobody.close();
  assert.equal(names(), "Ada", "until it is told anew");
  await world.clock.advance(1_000);
  assert.deepEqual([names(), room.roster!.count], ["Ada", 1]);
  const told: unknown[] = [];
  room.on("presence", (roster) => told.push(roster));
  room.leave();
  assert.deepEqual(told, [null]);
});
