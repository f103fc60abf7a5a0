import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeMsgpack, encodeMsgpack, msgpackCodec } from "../src/msgpack.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

const inBytes: [unknown, string][] = [
  [null, "c0"],
  [false, "c2"],
  [true, "c3"],
  [0, "00"],
  [127, "7f"],
  [128, "cc80"],
  [255, "ccff"],
  [256, "cd0100"],
  [65_536, "ce00010000"],
  [2 ** 32, "cf0000000100000000"],
  [2 ** 53 - 1, "cf001fffffffffffff"],
  [-1, "ff"],
  [-32, "e0"],
  [-33, "d0df"],
  [-129, "d1ff7f"],
  [-32_769, "d2ffff7fff"],
  [-(2 ** 31) - 1, "d3ffffffff7fffffff"],
  [1.5, "cb3ff8000000000000"],
  ["", "a0"],
  ["é", "a2c3a9"],
  [[], "90"],
  [{}, "80"],
  [{ a: [1, { b: null }] }, "81a1619201 81a162c0"],
];

for (const [value, encoded] of inBytes) {
  test(`${JSON.stringify(value)} is ${encoded}`, () => {
    assert.equal(hex(encodeMsgpack(value)), encoded.replaceAll(" ", ""));
    assert.deepEqual(decodeMsgpack(bytes(encoded)), value);
  });
}

test("lengths at every boundary come back as they went", () => {
  for (const length of [15, 16, 31, 32, 255, 256, 65_535, 65_536]) {
    const text = "x".repeat(length);
    assert.equal(decodeMsgpack(encodeMsgpack(text)), text);
    const list = Array.from({ length }, (_, n) => n);
    assert.deepEqual(decodeMsgpack(encodeMsgpack(list)), list);
    const map = Object.fromEntries(list.map((n) => [`k${n}`, n]));
    assert.deepEqual(decodeMsgpack(encodeMsgpack(map)), map);
    const blob = new Uint8Array(length).fill(7);
    assert.deepEqual(decodeMsgpack(encodeMsgpack(blob)), blob);
  }
});

test("wider forms than needed are read too", () => {
  assert.deepEqual(decodeMsgpack(bytes("de0001 d90161 d3ffffffffffffffff")), { a: -1 });
  assert.deepEqual(decodeMsgpack(bytes("dd00000001 ca3fc00000")), [1.5]);
});

test("undefined fields are left out, as in JSON", () => {
  assert.equal(hex(encodeMsgpack({ a: undefined, b: 1 })), "81a16201");
});

test("numbers keep their value: fractions, huge ones, minus zero", () => {
  for (const value of [0.1, 1e300, -0, 2 ** 60, Infinity])
    assert.ok(Object.is(decodeMsgpack(encodeMsgpack(value)), value));
});

test("a field named __proto__ is a field", () => {
  const value = JSON.parse('{"__proto__":{"polluted":true}}');
  const back = decodeMsgpack(encodeMsgpack(value)) as object;
  assert.deepEqual(Object.keys(back), ["__proto__"]);
  assert.equal((back as { polluted?: boolean }).polluted, undefined);
});

test("a leading byte order mark is text like any other", () => {
  assert.equal(decodeMsgpack(encodeMsgpack("\ufeffx")), "\ufeffx");
});

test("what is cut off, followed by more, or of no known tag is an error", () => {
  for (const frame of ["", "92 01", "a5 61", "01 02", "c1", "c7 00 00", "cf 00"]) {
    assert.throws(() => decodeMsgpack(bytes(frame)), RangeError, frame);
  }
});

test("it stands for its subprotocol", () => {
  assert.equal(msgpackCodec.protocol, "belfry.v1.msgpack");
});
