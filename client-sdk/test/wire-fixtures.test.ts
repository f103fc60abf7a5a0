import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { jsonCodec, type ClientMessage } from "../src/index.js";
import { msgpackCodec } from "../src/msgpack.js";
import { isKnown, serverMessage } from "../src/protocol.js";

// One file per message, written by the server's side, read by both.
const folder = new URL("../../../src/protocol/fixtures/", import.meta.url);

interface Fixture {
  direction: "client" | "server";
  json: Record<string, unknown>;
  msgpack: string;
}

/** Every type of message that this client can send, and the fields that it knows of each. */
const SENDS: Record<ClientMessage["type"], string[]> = {
  connect: ["token", "client", "subscriptions"],
  refresh: ["token"],
  subscribe: ["channel", "epoch", "since", "presence"],
  unsubscribe: ["channel"],
  "comment.create": ["post_id", "parent_id", "body", "key"],
  "comment.edit": ["comment_id", "body"],
  "comment.delete": ["comment_id"],
  "comment.react": ["comment_id", "emoji", "on"],
  "notifications.read": ["ids", "all"],
  typing: ["channel"],
  signal: ["channel", "data"],
  ping: [],
};

const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];

test(
  "there are fixtures to hold the codecs to",
  { skip: !existsSync(folder) && "the server's side has none yet" },
  () => {
    assert.ok(names.length > 0);
  },
);

for (const name of names) {
  const fixture = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Fixture;
  const { direction, json, msgpack } = fixture;
  const frame = new Uint8Array(Buffer.from(msgpack, "hex"));

  test(`${name}: both codecs read the same, and write what they read`, () => {
    const read = msgpackCodec.decode(frame.buffer);
    assert.deepEqual(read, json);
    assert.deepEqual(jsonCodec.decode(JSON.stringify(json)), json);
    for (const codec of [jsonCodec, msgpackCodec]) {
      const written = codec.encode(json);
      assert.deepEqual(codec.decode(typeof written === "string" ? written : written.buffer), json);
    }
  });

  test(`${name}: ${direction === "server" ? "passes for" : "can be said as"} a message of its type`, () => {
    if (direction === "server") {
      const message = serverMessage(json);
      assert.ok(message, "It lacks what its type promises.");
      assert.ok(isKnown(message), `The type ${message.type} is not known.`);
    } else {
      const { type, id, ...fields } = json;
      const known = SENDS[type as ClientMessage["type"]];
      assert.ok(known, `The type ${String(type)} cannot be sent.`);
      assert.ok(id === undefined || Number.isSafeInteger(id));
      assert.deepEqual(
        Object.keys(fields).filter((field) => !known.includes(field)),
        [],
      );
    }
  });
}
