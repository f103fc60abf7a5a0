// The two subprotocols.
import * as msgpack from "./msgpack.js";

/** Frames whose message is remembered, by codec. */
const MOST = 256;

/** The same bytes are the same message: readers of one room in one virtual user read it once. Nobody may change it. */
const remembering = (decode) => {
  const known = new Map();
  return (frame) => {
    const found = known.get(frame);
    if (found) return found;
    const message = decode(frame);
    // The oldest goes first.
    if (known.size >= MOST) known.delete(known.keys().next().value);
    known.set(frame, message);
    return message;
  };
};

const json = remembering((frame) => JSON.parse(frame));
const binary = remembering(msgpack.decode);

export const CODECS = {
  json: { subprotocol: "belfry.v1.json", encode: (message) => JSON.stringify(message), decode: json },
  msgpack: {
    subprotocol: "belfry.v1.msgpack",
    encode: msgpack.encode,
    decode: (frame) => binary(msgpack.latin1(frame)),
  },
};
