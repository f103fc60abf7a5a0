// How a load is dealt out, and what becomes of a virtual user that fails.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import "./k6.mjs";

const { deal, dealt, vu } = await import("./vu.js");
const { faults, finished } = await import("./metrics.js");
const { plan } = await import("./plan.js");
const { pace } = await import("./timer.js");

beforeEach(() => {
  for (const metric of [faults, finished]) metric.values = [];
});

test("each of what is dealt out falls to one, and turns go round in each and among the first", () => {
  const hands = [0, 1, 2].map((part) => deal(8, 3, part));
  const all = hands.flat().map(({ n }) => n);
  assert.deepEqual(
    all.toSorted((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  assert.deepEqual(
    hands.map(([{ turn }]) => turn),
    [0, 1, 2],
  );
  assert.deepEqual(
    hands[1].map(({ turn }) => turn),
    [1, 2, 3],
  );
});

test("results come in the order of what was dealt, whichever is done first", async () => {
  const later = [];
  const running = dealt(6, 2, 0, ({ n }) => new Promise((resolve) => later.push(() => resolve(n))));
  while (later.length) later.pop()();
  assert.deepEqual(await running, [0, 2, 4]);
});

test("who comes to the end is finished; who fails is a fault", async (t) => {
  t.mock.method(console, "error", () => {});
  await vu((world, n) => assert.deepEqual([world, n], ["world", 0]))("world");
  assert.deepEqual([finished.sum, faults.sum], [1, 0]);
  await vu(() => Promise.reject(new Error("gone")))("world");
  assert.deepEqual([finished.sum, faults.sum], [1, 1]);
});

test("a plan wants every virtual user to finish, and forbids what none may see", () => {
  const { scenarios, thresholds } = plan(1500, { writer: 1, readers: 8 }, { delivered: ["count==5"] });
  assert.deepEqual(thresholds.finished, ["count==9"]);
  assert.deepEqual(thresholds.lost, ["count==0"]);
  assert.deepEqual(thresholds.delivered, ["count==5"]);
  assert.equal(scenarios.readers.exec, "readers");
  assert.equal(scenarios.readers.maxDuration, "122s");
});

test("turns come at their time, also after one that was late", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const due = pace(10);
  let come = false;
  const third = due(3).then(() => (come = true));
  t.mock.timers.tick(299);
  await Promise.resolve();
  assert.equal(come, false);
  t.mock.timers.tick(1);
  await third;
  const overdue = due(2);
  t.mock.timers.tick(0);
  await overdue;
});
