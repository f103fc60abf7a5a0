import assert from "node:assert/strict";
import { test } from "node:test";
import { createRest, type Client, type Notification } from "../src/index.js";
import { createInbox, InboxStore, type Inbox, type InboxOptions } from "../src/inbox.js";
import { World, settle } from "./support/world.js";

async function opened(world: World, options: Partial<InboxOptions> = {}): Promise<{ inbox: Inbox; client: Client }> {
  const { token } = world.hub.signIn(world.ada);
  const client = options.client ?? (await world.connected());
  const rest = createRest({ fetch: world.fetch, clock: world.clock, token: async () => token });
  const inbox = createInbox({ rest, pageSize: 2, clock: world.clock, random: () => 0.5, ...options, client });
  await inbox.load();
  await settle();
  return { inbox, client };
}

const tell = ({ ada, hub }: World, ...names: string[]): void => {
  for (const name of names) hub.notify(ada.id, `host:${name}`, { kind: "build", title: name });
};

const titles = ({ items }: Inbox): string =>
  items.map(({ read_at, title }) => (read_at ? `(${title})` : title)).join(" ");

test("it loads, then follows from exactly there, newest first", async () => {
  const world = new World();
  tell(world, "a", "b", "c");
  const { inbox } = await opened(world);
  assert.deepEqual([titles(inbox), inbox.unread, inbox.complete], ["c b", 3, false]);
  tell(world, "d", "b");
  await settle();
  assert.deepEqual([titles(inbox), inbox.unread], ["b d c", 4]);
  await inbox.loadMore();
  assert.deepEqual([titles(inbox), inbox.complete], ["b d c a", true]);
  assert.equal(world.received("subscribe")[0]!.since, 3);
});

test("what is read shows at once, and on every tab", async () => {
  const world = new World();
  tell(world, "a", "b");
  const { inbox } = await opened(world);
  const other = (await opened(world, { client: await world.connected() })).inbox;
  const reading = inbox.read([inbox.items[0]!.id]);
  assert.deepEqual([titles(inbox), inbox.unread], ["(b) a", 1]);
  await reading;
  await settle();
  assert.deepEqual([titles(other), other.unread], ["(b) a", 1]);
  await other.readAll();
  await settle();
  assert.deepEqual([titles(inbox), inbox.unread], ["(b) (a)", 0]);
});

test("what the server refuses is taken back, and said", async () => {
  const world = new World();
  tell(world, "a", "b");
  const { inbox } = await opened(world);
  world.hub.intercept = (socket, { id, type }) => {
    if (type !== "notifications.read") return false;
    socket.send({ type: "error", id, error: { code: "rate_limited" } });
    return true;
  };
  const reading = inbox.readAll();
  assert.equal(inbox.unread, 0);
  await reading;
  assert.deepEqual([titles(inbox), inbox.unread, inbox.error?.code], ["b a", 2, "rate_limited"]);
  world.hub.down = true;
  const dismissing = inbox.dismiss(inbox.items[0]!.id);
  assert.equal(titles(inbox), "a");
  await dismissing;
  assert.deepEqual([titles(inbox), inbox.unread, inbox.error?.code], ["b a", 2, "network"]);
});

test("what comes in while all is being read stays unread", async () => {
  const world = new World();
  tell(world, "a");
  const { inbox } = await opened(world);
  world.hub.intercept = (_, { type }) => type === "notifications.read";
  void inbox.readAll();
  tell(world, "b");
  await settle();
  assert.deepEqual([titles(inbox), inbox.unread], ["b (a)", 1]);
});

test("a row that was dismissed is gone at once, counts no more, and stays gone before its event comes", async () => {
  const world = new World();
  tell(world, "a", "b");
  const { inbox } = await opened(world);
  const [first] = inbox.items;
  world.hub.wire = () => {};
  await inbox.dismiss(first!.id);
  assert.deepEqual([titles(inbox), inbox.unread], ["a", 1]);
  await inbox.dismiss(first!.id);
  assert.equal(inbox.error, undefined, "to dismiss what is gone is no error");
});

test("a hole is filled without flicker, as far as it was loaded, and nothing is doubled", async () => {
  const world = new World();
  tell(world, "a", "b", "c", "d");
  const { inbox } = await opened(world);
  await inbox.loadMore();
  const seen = new Set<string>();
  inbox.onChange(() => seen.add(titles(inbox)));
  world.hub.tail = 0;
  world.hub.closeAll(1006);
  tell(world, "e");
  world.hub.dismissNotification(world.ada.id, inbox.items.at(-1)!.id);
  await world.clock.advance(2_000);
  assert.deepEqual([...seen], ["e d c b"]);
  assert.deepEqual([inbox.unread, inbox.complete], [4, true]);
});

test("a refetch that fails is made again until it works", async () => {
  const world = new World();
  tell(world, "a");
  const { inbox } = await opened(world);
  world.socket.send({ type: "resync", channel: `user:${world.ada.id}`, epoch: "epoch-1", seq: 1 });
  world.hub.down = true;
  await world.clock.advance(6_000);
  world.hub.data.notifications[0]!.title = "changed";
  world.hub.data.notifications[0]!.seq = 2;
  world.hub.data.logs[`user:${world.ada.id}`]!.push(null as never);
  world.hub.down = false;
  await world.clock.advance(10_000);
  assert.equal(titles(inbox), "changed");
});

test("a first load that fails says so, and is made again when the connection is there", async () => {
  const world = new World();
  tell(world, "a");
  const { token } = world.hub.signIn(world.ada);
  world.hub.down = true;
  const client = world.client({ token: async () => token });
  client.connect();
  const { inbox } = await opened(world, { client });
  assert.deepEqual([inbox.error?.code, inbox.loading], ["network", false]);
  world.hub.down = false;
  await world.clock.advance(2_000);
  assert.deepEqual([titles(inbox), inbox.error], ["a", undefined]);
});

test("somebody else's inbox begins anew, and nobody has one", async () => {
  const world = new World();
  const bob = world.hub.addUser("Bob");
  tell(world, "a");
  world.hub.notify(bob.id, "host:x", { kind: "build", title: "Bob's" });
  let who: { id: number } | null = world.ada;
  const token = async () => who && world.hub.signIn(who).token;
  const client = await world.connected({ token });
  const rest = createRest({ fetch: world.fetch, clock: world.clock, token });
  const { inbox } = await opened(world, { client, rest });
  assert.equal(titles(inbox), "a");
  who = bob;
  await client.reauthenticate();
  await settle();
  assert.deepEqual([titles(inbox), inbox.unread], ["Bob's", 1]);
  tell(world, "b");
  world.hub.notify(bob.id, "host:y", { kind: "build", title: "Bob's too" });
  await settle();
  assert.equal(titles(inbox), "Bob's too Bob's");
  who = null;
  await client.reauthenticate();
  await settle();
  assert.deepEqual([inbox.items, inbox.unread, inbox.error, client.room("me").state], [[], 0, undefined, "idle"]);
});

test("an inbox that was closed changes no more and leaves no timer", async () => {
  const world = new World();
  const { inbox, client } = await opened(world);
  let changes = 0;
  inbox.onChange(() => changes++);
  inbox.close();
  tell(world, "a");
  await settle();
  assert.deepEqual([changes, client.room("me").state], [0, "idle"]);
  client.close();
  assert.equal(world.clock.waiting, 0);
});

// The store alone

const row = (id: number, seq: number, fields: Partial<Notification> = {}): Notification => ({
  id,
  kind: "build",
  title: `row ${id}`,
  body: null,
  url: null,
  post_id: null,
  comment_id: null,
  actors: [],
  count: 1,
  created_at: "",
  updated_at: "",
  read_at: null,
  seq,
  ...fields,
});

const page = (seq: number, unread: number, ...items: Notification[]) => ({
  epoch: "e",
  seq,
  unread,
  items,
  next_cursor: null,
});
const event = (seq: number, kind: string, data: object) => ({
  type: "event" as const,
  channel: "user:1",
  at: "t",
  seq,
  kind,
  data,
});

test("a page that is older than what was read meanwhile does not make it unread", () => {
  const store = new InboxStore();
  store.loadBegins();
  store.apply(event(9, "notifications.read", { ids: [1], unread: 1 }));
  store.addPage(page(8, 2, row(1, 3), row(2, 4)));
  assert.deepEqual([store.items.map(({ read_at }) => read_at), store.unread], [[null, "t"], 1]);
});

test("a page that is older than a deletion does not bring it back", () => {
  const store = new InboxStore();
  store.loadBegins();
  store.apply(event(9, "notification.deleted", { id: 1, unread: 1 }));
  store.addPage(page(8, 2, row(1, 3), row(2, 4)));
  assert.deepEqual([store.items.map(({ id }) => id), store.unread], [[2], 1]);
});

test("an answer that overtakes an event does not hide what that event says", () => {
  const store = new InboxStore();
  store.loadBegins();
  store.addPage(page(4, 2, row(1, 3), row(2, 4)));
  const action = { kind: "read" as const, at: "t", seen: new Map([[1, 3]]) };
  store.begin(action);
  store.settle(action, { unread: 1, seq: 6 });
  store.apply(event(5, "notification.updated", { notification: row(1, 5, { count: 2 }), unread: 2 }));
  store.apply(event(6, "notifications.read", { ids: [1], unread: 1 }));
  assert.deepEqual(
    [store.items.map(({ count, read_at }) => [count, read_at]), store.unread],
    [
      [
        [2, "t"],
        [1, null],
      ],
      1,
    ],
  );
});

test("all read means all before it, not what came after", () => {
  const store = new InboxStore();
  store.loadBegins();
  store.addPage(page(4, 2, row(1, 3), row(2, 4)));
  store.loadBegins();
  store.apply(event(5, "notifications.read", { all: true, unread: 0 }));
  store.apply(event(6, "notification.created", { notification: row(3, 6), unread: 1 }));
  store.addPage(page(4, 2, row(0, 1)));
  assert.deepEqual(
    [store.items.map(({ id, read_at }) => [id, read_at]), store.unread],
    [
      [
        [3, null],
        [2, "t"],
        [1, "t"],
        [0, "t"],
      ],
      1,
    ],
  );
});
