// MessagePack for k6, whose interpreter has no TextDecoder and is slow a byte at a time: a frame becomes a string of
// its bytes by one native call, and everything is cut from that. What the protocol does not use (binary, extensions)
// is refused.

/** Bytes a call: an interpreter takes only so many arguments. */
const MOST = 8192;

/** A frame's bytes as characters 0 to 255. */
export const latin1 = (buffer) => {
  const bytes = new Uint8Array(buffer);
  if (bytes.length <= MOST) return String.fromCharCode.apply(null, bytes);
  let text = "";
  for (let at = 0; at < bytes.length; at += MOST) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + MOST));
  }
  return text;
};

const BEYOND_ASCII = /[\x80-\xff]/;

/** Reads the one value that such a string holds; throws a `RangeError` when it is something else. */
export const decode = (frame) => {
  let at = 0;

  const uint = (size) => {
    if (at + size > frame.length) throw new RangeError("the frame ends too early");
    let value = 0;
    for (const end = at + size; at < end; at += 1) value = value * 256 + frame.charCodeAt(at);
    return value;
  };
  const int = (size) => {
    const value = uint(size);
    const half = 2 ** (size * 8 - 1);
    return value < half ? value : value - 2 * half;
  };
  const float = (size) => {
    const view = new DataView(new ArrayBuffer(8));
    for (let n = 0; n < size; n += 1) view.setUint8(n, uint(1));
    return size === 4 ? view.getFloat32(0) : view.getFloat64(0);
  };
  const text = (length) => {
    const end = at + length;
    if (end > frame.length) throw new RangeError("the frame ends too early");
    const bytes = frame.substring(at, end);
    at = end;
    return BEYOND_ASCII.test(bytes) ? decodeURIComponent(escape(bytes)) : bytes;
  };
  const array = (length) => {
    const items = [];
    for (let n = 0; n < length; n += 1) items.push(value());
    return items;
  };
  const map = (length) => {
    const fields = {};
    for (let n = 0; n < length; n += 1) {
      const name = value();
      fields[name] = value();
    }
    return fields;
  };
  const value = () => {
    const tag = uint(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return map(tag - 0x80);
    if (tag < 0xa0) return array(tag - 0x90);
    if (tag < 0xc0) return text(tag - 0xa0);
    if (tag >= 0xe0) return tag - 0x100;
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return float(4);
      case 0xcb:
        return float(8);
      case 0xcc:
        return uint(1);
      case 0xcd:
        return uint(2);
      case 0xce:
        return uint(4);
      case 0xcf:
        return whole(uint(4), uint(4));
      case 0xd0:
        return int(1);
      case 0xd1:
        return int(2);
      case 0xd2:
        return int(4);
      case 0xd3:
        return whole(int(4), uint(4));
      case 0xd9:
        return text(uint(1));
      case 0xda:
        return text(uint(2));
      case 0xdb:
        return text(uint(4));
      case 0xdc:
        return array(uint(2));
      case 0xdd:
        return array(uint(4));
      case 0xde:
        return map(uint(2));
      case 0xdf:
        return map(uint(4));
      default:
        throw new RangeError(`MessagePack tag ${tag} is none of this protocol's`);
    }
  };

  const read = value();
  if (at !== frame.length) throw new RangeError("more than one value in the frame");
  return read;
};

/** 64 bits; beyond 53 a number is no longer exact, and the protocol has none. */
const whole = (high, low) => {
  const value = high * 2 ** 32 + low;
  if (!Number.isSafeInteger(value)) throw new RangeError("an integer beyond 53 bits");
  return value;
};

const bytesOf = (value, size) => {
  let bytes = "";
  for (let n = size - 1; n >= 0; n -= 1) bytes += String.fromCharCode(Math.floor(value / 256 ** n) % 256);
  return bytes;
};

const tagged = (tag, value, size) => String.fromCharCode(tag) + bytesOf(value, size);

/** A length in its shortest form: in the tag, or after it in one (where there is such a tag), two or four bytes. */
const sized = (length, fixed, most, tag8, tag16) => {
  if (length < most) return String.fromCharCode(fixed + length);
  if (tag8 && length < 2 ** 8) return tagged(tag8, length, 1);
  if (length < 2 ** 16) return tagged(tag16, length, 2);
  return tagged(tag16 + 1, length, 4);
};

const numbered = (value) => {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    return "\xcb" + latin1(view.buffer);
  }
  if (value >= 0) {
    if (value < 2 ** 7) return String.fromCharCode(value);
    if (value < 2 ** 8) return tagged(0xcc, value, 1);
    if (value < 2 ** 16) return tagged(0xcd, value, 2);
    if (value < 2 ** 32) return tagged(0xce, value, 4);
    return tagged(0xcf, Math.floor(value / 2 ** 32), 4) + bytesOf(value % 2 ** 32, 4);
  }
  if (value >= -(2 ** 5)) return String.fromCharCode(value + 2 ** 8);
  if (value >= -(2 ** 7)) return tagged(0xd0, value + 2 ** 8, 1);
  if (value >= -(2 ** 15)) return tagged(0xd1, value + 2 ** 16, 2);
  if (value >= -(2 ** 31)) return tagged(0xd2, value + 2 ** 32, 4);
  const high = Math.floor(value / 2 ** 32);
  return tagged(0xd3, high + 2 ** 32, 4) + bytesOf(value - high * 2 ** 32, 4);
};

const write = (value) => {
  if (value === null || value === undefined) return "\xc0";
  if (value === false) return "\xc2";
  if (value === true) return "\xc3";
  if (typeof value === "number") return numbered(value);
  if (typeof value === "string") {
    const bytes = unescape(encodeURIComponent(value));
    return sized(bytes.length, 0xa0, 32, 0xd9, 0xda) + bytes;
  }
  if (Array.isArray(value)) return sized(value.length, 0x90, 16, 0, 0xdc) + value.map(write).join("");
  // As in JSON, what is undefined is not there.
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return sized(fields.length, 0x80, 16, 0, 0xde) + fields.map(([name, field]) => write(name) + write(field)).join("");
};

/** A value's frame. */
export const encode = (value) => {
  const bytes = write(value);
  const frame = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) frame[at] = bytes.charCodeAt(at);
  return frame.buffer;
};
