import { jsonCodec, type Codec } from "../../src/codec.js";
import type { SocketConstructor, SocketLike } from "../../src/connection.js";
import { msgpackCodec } from "../../src/msgpack.js";
import type { ClientMessage } from "../../src/protocol.js";
import type { FakeHub, HubSocket } from "./fake-hub.js";

const codecs: Codec[] = [jsonCodec, msgpackCodec];

/** A `WebSocket` class whose other end is the hub. Frames are really encoded, and arrive in a later microtask. */
export function socketClass(hub: FakeHub): SocketConstructor {
  return class implements SocketLike {
    binaryType = "blob";
    onopen: SocketLike["onopen"] = null;
    onmessage: SocketLike["onmessage"] = null;
    onclose: SocketLike["onclose"] = null;
    onerror: SocketLike["onerror"] = null;
    #codec: Codec;
    #hubSide: HubSocket | null = null;
    #ended = false;

    constructor(_url: string, protocols: string[]) {
      this.#codec = codecs.find(({ protocol }) => protocol === protocols[0])!;
      queueMicrotask(() => {
        if (hub.down) return this.#end(1006, "");
        this.#hubSide = hub.accept({
          send: (message) => {
            const frame = this.#codec.encode(message);
            const data = typeof frame === "string" ? frame : frame.buffer;
            hub.wire(() => !this.#ended && this.onmessage?.({ data }));
          },
          close: (code, reason) => queueMicrotask(() => this.#end(code, reason ?? "")),
        });
        this.onopen?.(undefined as never);
      });
    }

    send(data: string | ArrayBufferView<ArrayBuffer>): void {
      if (!this.#hubSide || this.#ended) throw new Error("The socket is not open.");
      const frame =
        typeof data === "string" ? data : data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
      const message = this.#codec.decode(frame) as ClientMessage;
      queueMicrotask(() => hub.receive(this.#hubSide!, message));
    }

    close(code = 1005): void {
      if (this.#hubSide) hub.gone(this.#hubSide);
      queueMicrotask(() => this.#end(code, ""));
    }

    #end(code: number, reason: string): void {
      if (this.#ended) return;
      this.#ended = true;
      this.onclose?.({ code, reason });
    }
  };
}
