import assert from "node:assert/strict";
import { test } from "node:test";
import { backOffMs, closeAction } from "../src/index.js";

const table: Record<ReturnType<typeof closeAction>, number[]> = {
  stop: [1000, 1002, 1007, 1009, 4400, 4403, 4404, 4410, 4499],
  reauthenticate: [4401],
  wait_for_use: [4409],
  reconnect: [1001, 1003, 1005, 1006, 1011, 1012, 1013, 3000, 4000, 4399, 4500, 4508, 4529, 4599],
};

for (const [action, codes] of Object.entries(table)) {
  test(`${action}: ${codes.join(", ")}`, () => {
    for (const code of codes) assert.equal(closeAction(code), action, String(code));
  });
}

const base = { attempt: 0, code: 1006, notBeforeMs: 0, random: 0.999, baseMs: 1_000, capMs: 30_000 };

test("the jitter is full from the first attempt: anywhere from nothing to the ceiling", () => {
  assert.equal(backOffMs({ ...base, random: 0 }), 0);
  assert.equal(backOffMs({ ...base, random: 0.5 }), 500);
});

test("the ceiling doubles up to the cap and never overflows", () => {
  const ceilings = [0, 1, 2, 3, 4, 5, 6, 5_000].map((attempt) => backOffMs({ ...base, attempt, random: 1 }));
  assert.deepEqual(ceilings, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test("the server's own delay is a floor, not a replacement", () => {
  assert.equal(backOffMs({ ...base, notBeforeMs: 4_300, random: 0 }), 4_300);
  assert.equal(backOffMs({ ...base, attempt: 5, notBeforeMs: 4_300, random: 0.5 }), 15_000);
  assert.equal(backOffMs({ ...base, notBeforeMs: -50, random: 0 }), 0);
});

test("a server that is overrun is left alone for longer", () => {
  for (const code of [1013, 4529]) assert.equal(backOffMs({ ...base, code, random: 0.5 }), 4_000);
});
