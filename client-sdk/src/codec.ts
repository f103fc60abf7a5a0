/** How messages become frames. One object serves any number of connections. */
export interface Codec {
  /** The WebSocket subprotocol that stands for it. */
  readonly protocol: string;
  encode(message: unknown): string | Uint8Array<ArrayBuffer>;
  /** Throws when the frame is none of this codec's. */
  decode(frame: unknown): unknown;
}

/** Text frames of JSON; the default. */
export const jsonCodec: Codec = {
  protocol: "belfry.v1.json",
  encode: (message) => JSON.stringify(message),
  decode: (frame) => JSON.parse(frame as string),
};
