import type { Codec } from "./codec.js";

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Grows as it is written to. */
class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  done(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#at);
  }

  value(value: unknown): void {
    if (value === null || value === undefined) this.#byte(0xc0);
    else if (typeof value === "boolean") this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") {
      const text = utf8Encoder.encode(value);
      this.#head(text.length, 0xa0, 32, 0xd9, 0xda);
      this.#copy(text);
    } else if (value instanceof Uint8Array) {
      this.#head(value.length, 0, 0, 0xc4, 0xc5);
      this.#copy(value);
    } else if (Array.isArray(value)) {
      this.#head(value.length, 0x90, 16, 0, 0xdc);
      for (const item of value) this.value(item);
    } else {
      // As in JSON, what is undefined is not there.
      const entries = Object.entries(value).filter(([, field]) => field !== undefined);
      this.#head(entries.length, 0x80, 16, 0, 0xde);
      for (const [name, field] of entries) {
        this.value(name);
        this.value(field);
      }
    }
  }

  #number(value: number): void {
    // -0 is no integer here: it would lose its sign.
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#byte(0xcb);
      const at = this.#room(8);
      this.#view.setFloat64(at, value);
    } else if (value >= 0) {
      if (value < 0x80) this.#byte(value);
      else if (value < 0x100) this.#tagged(0xcc, 1, value);
      else if (value < 0x10000) this.#tagged(0xcd, 2, value);
      else if (value < 0x100000000) this.#tagged(0xce, 4, value);
      else {
        this.#byte(0xcf);
        const at = this.#room(8);
        this.#view.setBigUint64(at, BigInt(value));
      }
    } else if (value >= -0x20) this.#byte(value + 0x100);
    else if (value >= -0x80) this.#tagged(0xd0, 1, value + 0x100);
    else if (value >= -0x8000) this.#tagged(0xd1, 2, value + 0x10000);
    else if (value >= -0x80000000) this.#tagged(0xd2, 4, value + 0x100000000);
    else {
      this.#byte(0xd3);
      const at = this.#room(8);
      this.#view.setBigInt64(at, BigInt(value));
    }
  }

  /** A length, in the smallest form: within the tag below `small`, else in 1 (where `tag8` is one), 2 or 4 bytes. */
  #head(length: number, fixed: number, small: number, tag8: number, tag16: number): void {
    if (length < small) this.#byte(fixed + length);
    else if (length < 0x100 && tag8) this.#tagged(tag8, 1, length);
    else if (length < 0x10000) this.#tagged(tag16, 2, length);
    else this.#tagged(tag16 + 1, 4, length);
  }

  #tagged(tag: number, size: 1 | 2 | 4, value: number): void {
    this.#byte(tag);
    const at = this.#room(size);
    if (size === 1) this.#view.setUint8(at, value);
    else if (size === 2) this.#view.setUint16(at, value);
    else this.#view.setUint32(at, value);
  }

  #byte(value: number): void {
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  #copy(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Where `size` more bytes go. It may replace `#bytes` and `#view`: call it before these are named. */
  #room(size: number): number {
    const at = this.#at;
    this.#at += size;
    if (this.#at > this.#bytes.length) {
      const wider = new Uint8Array(Math.max(this.#at, this.#bytes.length * 2));
      wider.set(this.#bytes);
      this.#bytes = wider;
      this.#view = new DataView(wider.buffer);
    }
    return at;
  }
}

class Reader {
  #at = 0;
  #view: DataView;

  constructor(private bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get finished(): boolean {
    return this.#at === this.bytes.length;
  }

  value(): unknown {
    const tag = this.#uint(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.#map(tag - 0x80);
    if (tag < 0xa0) return this.#array(tag - 0x90);
    if (tag < 0xc0) return this.#text(tag - 0xa0);
    if (tag >= 0xe0) return tag - 0x100;
    // Where sizes come in a row of tags, `1 << step` is how many bytes the number has.
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return tag === 0xc3;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(this.#uint(1 << (tag - 0xc4)));
      case 0xca:
        return this.#view.getFloat32(this.#skip(4));
      case 0xcb:
        return this.#view.getFloat64(this.#skip(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return this.#uint(1 << (tag - 0xcc));
      case 0xd0:
        return this.#view.getInt8(this.#skip(1));
      case 0xd1:
        return this.#view.getInt16(this.#skip(2));
      case 0xd2:
        return this.#view.getInt32(this.#skip(4));
      case 0xd3:
        return Number(this.#view.getBigInt64(this.#skip(8)));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#uint(1 << (tag - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#uint(2 << (tag - 0xdc)));
      case 0xde:
      case 0xdf:
        return this.#map(this.#uint(2 << (tag - 0xde)));
    }
    throw new RangeError(`MessagePack tag ${tag} is none of this protocol's.`);
  }

  #uint(size: number): number {
    const at = this.#skip(size);
    if (size === 1) return this.#view.getUint8(at);
    if (size === 2) return this.#view.getUint16(at);
    if (size === 4) return this.#view.getUint32(at);
    return Number(this.#view.getBigUint64(at));
  }

  #array(length: number): unknown[] {
    const items: unknown[] = [];
    for (let n = 0; n < length; n++) items.push(this.value());
    return items;
  }

  #map(length: number): Record<string, unknown> {
    const fields: [string, unknown][] = [];
    for (let n = 0; n < length; n++) fields.push([String(this.value()), this.value()]);
    // Unlike an assignment, this makes a field of `__proto__` too.
    return Object.fromEntries(fields);
  }

  #text(length: number): string {
    return utf8Decoder.decode(this.#take(length));
  }

  #take(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.bytes.slice(at, at + length);
  }

  #skip(size: number): number {
    const at = this.#at;
    this.#at += size;
    if (this.#at > this.bytes.length) throw new RangeError("The MessagePack frame ends too early.");
    return at;
  }
}

export const encodeMsgpack = (value: unknown): Uint8Array<ArrayBuffer> => {
  const writer = new Writer();
  writer.value(value);
  return writer.done();
};

/** Throws a `RangeError` for what is no MessagePack, is cut off, or is followed by something else. */
export const decodeMsgpack = (bytes: Uint8Array): unknown => {
  const reader = new Reader(bytes);
  const value = reader.value();
  if (!reader.finished) throw new RangeError("More than one value in the MessagePack frame.");
  return value;
};

/** Binary frames of MessagePack, smaller than JSON's, for `createClient({ codec })`. */
export const msgpackCodec: Codec = {
  protocol: "belfry.v1.msgpack",
  encode: encodeMsgpack,
  decode: (frame) => decodeMsgpack(new Uint8Array(frame as ArrayBuffer)),
};
