// What holds a server to its promises must see when one is broken.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import "./k6.mjs";

const { Follower } = await import("./follower.js");
const metrics = await import("./metrics.js");

const event = (seq, id = seq) => ({
  seq,
  kind: "comment.created",
  at: new Date(seq).toISOString(),
  data: { comment: { id } },
});
const sum = (name) => metrics[name].sum;
/** What was counted of all that must never be. */
const wrong = () =>
  Object.fromEntries(
    Object.keys(metrics.CLEAN)
      .filter(sum)
      .map((name) => [name, sum(name)]),
  );
const subscribed = (rest) => ({ epoch: "e", seq: 10, head: 10, recovered: false, events: [], ...rest });

/** One that follows from 10. */
const follower = (options) => {
  const self = new Follower("post:1", options);
  self.subscribed(subscribed(), 0);
  return self;
};

beforeEach((t) => {
  for (const metric of Object.values(metrics)) if (metric.values) metric.values = [];
  // Faults are told.
  t.mock.method(console, "error", () => {});
});

test("all that comes once and in order is nothing wrong, and is timed from its stamp", () => {
  const one = follower();
  one.take(event(11), 14);
  one.take(event(12), 20);
  one.compare(10, [event(11), event(12)]);
  assert.deepEqual(wrong(), {});
  assert.equal(sum("delivered"), 2);
  assert.deepEqual(metrics.delivery.values, [3, 8]);
});

test("an event left out is a gap, and missing in the end", () => {
  const one = follower();
  one.take(event(11), 0);
  one.take(event(14), 0);
  assert.deepEqual(wrong(), { gaps: 2 });
  one.compare(
    10,
    [11, 12, 13, 14, 15].map((seq) => event(seq)),
  );
  assert.deepEqual(wrong(), { gaps: 2, missing: 3 });
});

test("an event that comes again is a repeat, and not counted as delivered", () => {
  const one = follower();
  one.take(event(11), 0);
  one.take(event(11), 0);
  assert.deepEqual(wrong(), { repeats: 1 });
  assert.equal(sum("delivered"), 1);
});

test("an event that is another in the log is differing, unless the log may no longer tell it", () => {
  const one = follower();
  one.take(event(11), 0);
  one.take(event(12), 0);
  one.compare(10, [event(11, 99), { ...event(12), kind: "void", data: {} }]);
  assert.deepEqual(wrong(), { differing: 1, faults: 1 });
});

test("what was missed and is replayed counts, and is not timed", () => {
  const one = follower();
  assert.deepEqual(one.wish(), { channel: "post:1", epoch: "e", since: 10 });
  one.subscribed(subscribed({ seq: 12, head: 13, recovered: true, events: [event(11), event(12)] }), 99);
  one.take(event(13), 99);
  one.take(event(14), 20);
  assert.deepEqual(wrong(), {});
  assert.equal(sum("delivered"), 4);
  assert.deepEqual(metrics.delivery.values, [6]);
});

test("a recovery of another log, to another place, or with a hole is a fault", () => {
  follower().subscribed(subscribed({ epoch: "f", recovered: true }), 0);
  follower().subscribed(subscribed({ seq: 11, recovered: true }), 0);
  follower().subscribed(subscribed({ events: [event(11)] }), 0);
  assert.deepEqual(wrong(), { faults: 3 });
  follower().subscribed(subscribed({ seq: 12, head: 12, recovered: true, events: [event(12)] }), 0);
  assert.deepEqual(wrong(), { faults: 3, gaps: 1 });
});

test("being told to fetch anew is counted, and what follows goes on from there", () => {
  const one = follower();
  one.resync({ epoch: "e", seq: 40 });
  one.take(event(41), 0);
  assert.deepEqual(wrong(), { resyncs: 1 });
});

test("who waits for an event goes when it is there, or when it takes too long", async () => {
  const one = follower();
  const [there, late] = [one.reaches(12, 60_000), one.reaches(13, 1)];
  one.take(event(11), 0);
  one.take(event(12), 0);
  assert.equal(await there, true);
  assert.equal(await late, false);
  assert.equal(await one.reaches(11, 0), true);
});

test("what is not measured is held to the log all the same", () => {
  const one = follower({ measured: false });
  one.take(event(12), 0);
  assert.equal(sum("delivered"), 0);
  assert.deepEqual(wrong(), { gaps: 1 });
});
