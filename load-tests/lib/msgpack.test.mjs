// `node --test load-tests/lib/*.test.mjs`: the load tests' codec beside the wire's golden fixtures, which the server
// reads too.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { decode, encode, latin1 } from "./msgpack.js";

const folder = new URL("../../src/protocol/fixtures/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
const buffer = (hex) => Uint8Array.from(Buffer.from(hex, "hex")).buffer;
const hex = (frame) => Buffer.from(frame).toString("hex");
const there = (value) => decode(latin1(encode(value)));

test("every fixture is read as its JSON says, and what was read is written and read again", () => {
  assert.ok(names.length > 40);
  for (const name of names) {
    const { json, msgpack } = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
    assert.deepEqual(decode(latin1(buffer(msgpack))), json, name);
    assert.deepEqual(there(json), json, name);
  }
});

test("numbers take their shortest form at each of its edges, and come back", () => {
  const forms = {
    "7f": 127,
    cc80: 128,
    ccff: 255,
    cd0100: 256,
    cdffff: 65535,
    ce00010000: 65536,
    ceffffffff: 2 ** 32 - 1,
    cf0000000100000000: 2 ** 32,
    cf001fffffffffffff: Number.MAX_SAFE_INTEGER,
    e0: -32,
    d0df: -33,
    d080: -128,
    d1ff7f: -129,
    d18000: -32768,
    d2ffff7fff: -32769,
    d280000000: -(2 ** 31),
    d3ffffffff7fffffff: -(2 ** 31) - 1,
    d3ffe0000000000001: Number.MIN_SAFE_INTEGER,
    cb3fe0000000000000: 0.5,
    cb8000000000000000: -0,
  };
  for (const [form, number] of Object.entries(forms)) {
    assert.equal(hex(encode(number)), form);
    assert.ok(Object.is(decode(latin1(buffer(form))), number), form);
  }
  assert.equal(decode(latin1(buffer("ca3f000000"))), 0.5);
});

test("text and lists of any length come back", () => {
  for (const length of [0, 31, 32, 255, 256, 65535, 65536]) {
    assert.equal(there("ü".repeat(length)), "ü".repeat(length));
    assert.deepEqual(there(Array(length).fill(1)), Array(length).fill(1));
  }
  const wide = Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`field ${n}`, n]));
  assert.deepEqual(there(wide), wide);
  assert.equal(there("Grüße 🎉"), "Grüße 🎉");
  assert.deepEqual(there({ gone: undefined, here: null }), { here: null });
});

test("what is cut off, goes on or is no message of this protocol is refused", () => {
  for (const form of ["a261", "92c0", "cd01", "c0c0", "c1", "c40161", "d40161", "cf0020000000000000", "a1ff"]) {
    assert.throws(() => decode(latin1(buffer(form))), form);
  }
});
