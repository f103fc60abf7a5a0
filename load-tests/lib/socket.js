// A socket that speaks the protocol: commands with answers, events handed to those who follow, faults counted.
import { WebSocket } from "k6/experimental/websockets";
import { CODECS } from "./codec.js";
import { socketUrl } from "./env.js";
import { answer, cuts, fault, joining, unheard } from "./metrics.js";
import { after } from "./timer.js";

/** How long an answer may take before there is none. */
const PATIENCE = 15_000;
/** How long one waits for what a shortcut says unasked. */
const SILENCE = 3_000;

/** k6 tells of a close other than 1000 and 1001 by an error that says so. */
const closeCode = (error) => Number(/close (\d{4})/.exec(error)?.[1] ?? 1000);

/** A refusal of the server. */
export class Refused extends Error {
  constructor({ code, detail }) {
    super(`${code}: ${detail}`);
    this.code = code;
  }
}

export class Socket {
  /** Called with each message that is neither an answer nor an event. */
  onMessage = () => {};
  /** Called with the code when the socket ends and `close` was not called. Without one it is counted as a cut. */
  onCut = null;
  /** The code it ended with, once it has. */
  code = null;
  #socket;
  #codec;
  #opened = Date.now();
  /** When the last answer came in, however long this virtual user was busy with others. */
  #arrival = 0;
  #answers = new Map();
  #followers = new Map();
  #last = 0;
  #closing = false;
  #ended;

  /** Opens one; rejects when the upgrade is refused. `n` chooses the instance, `token` goes as a header. */
  static open(path, { n = 0, codec = "json", token } = {}) {
    const socket = new Socket(path, n, CODECS[codec], token);
    return new Promise((resolve, reject) => {
      socket.#socket.addEventListener("open", () => resolve(socket));
      const refuse = (code) => reject(Object.assign(new Error(`${path} was not opened: ${socket.error}`), { code }));
      socket.closed.then(refuse);
    });
  }

  constructor(path, n, codec, token) {
    this.#codec = codec;
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const tags = { name: path.replace(/\d+/, "{id}") };
    const socket = (this.#socket = new WebSocket(socketUrl(n, path), [codec.subprotocol], { headers, tags }));
    socket.binaryType = "arraybuffer";
    this.closed = new Promise((resolve) => (this.#ended = resolve));
    socket.addEventListener("message", (event) => this.#read(event));
    socket.addEventListener("error", (event) => (this.error = String(event.error)));
    socket.addEventListener("close", () => this.#end());
  }

  /** Says who one is and what one follows; resolves to `welcome` once all of it is there. */
  async connect({ token, follow = [], presence } = {}) {
    for (const follower of follow) this.#followers.set(follower.channel, follower);
    const subscriptions = follow.map((follower) => ({ ...follower.wish(), ...(presence && { presence }) }));
    const welcome = await this.ask({ type: "connect", token, client: "k6/1", subscriptions });
    joining.add(this.#arrival - this.#opened);
    return welcome;
  }

  /**
   * Waits for what a shortcut subscribes to by itself. k6 loses a frame that it reads before the script has heard
   * of the opening, which happens on a busy machine: after a silence one asks, and is told where the socket is.
   */
  async follows(follower, token) {
    this.#followers.set(follower.channel, follower);
    if (token) await this.ask({ type: "connect", token });
    let stop;
    const subscribed = new Promise((resolve, reject) => {
      this.#await(0, "subscribed", resolve, reject);
      const again = () => {
        unheard.add(1);
        this.#answers.get(0).stop();
        follower.follows = true;
        this.ask({ type: "subscribe", channel: follower.channel }).then(resolve, reject);
      };
      stop = after(SILENCE, again);
    });
    subscribed.then(stop, stop);
    const body = await subscribed;
    if (body.id === 0) joining.add(this.#arrival - this.#opened);
    return body;
  }

  /** Follows one more channel. */
  subscribe(follower, presence) {
    this.#followers.set(follower.channel, follower);
    return this.ask({ type: "subscribe", ...follower.wish(), ...(presence && { presence }) });
  }

  /** Follows one less; an event of it is a fault from then on. */
  async unsubscribe({ channel }) {
    const answer = await this.ask({ type: "unsubscribe", channel });
    this.#followers.delete(channel);
    return answer;
  }

  /** Sends a command; resolves to what its one answer says, rejects when it is refused or there is none. */
  ask(message) {
    // Nobody is there to answer.
    if (this.code !== null) return Promise.reject(new Error(`closed with ${this.code}`));
    const id = (this.#last += 1);
    return new Promise((resolve, reject) => {
      this.#await(id, message.type, resolve, reject);
      this.tell({ ...message, id });
    });
  }

  /** Sends something that needs no answer. */
  tell(message) {
    if (this.#socket.readyState === 1) this.#socket.send(this.#codec.encode(message));
  }

  /** Sends a frame as it is. */
  raw(frame) {
    this.#socket.send(frame);
  }

  /** Ends it; nothing of it is heard afterwards. */
  close() {
    this.#closing = true;
    this.#socket.close();
    return this.closed;
  }

  #await(id, type, resolve, reject) {
    const stop = after(PATIENCE, () => {
      this.#answers.delete(id);
      fault("no answer", type);
      reject(new Error(`no answer to ${type}`));
    });
    this.#answers.set(id, { type, resolve, reject, stop, since: Date.now() });
  }

  #read({ data, timestamp }) {
    let message;
    try {
      message = this.#codec.decode(data);
    } catch (error) {
      return fault("a frame that cannot be read", error);
    }
    const { type, id, channel } = message;
    const follower = this.#followers.get(channel);
    if (type === "event") {
      if (follower) follower.take(message, timestamp);
      else fault("an event that nobody asked for", channel);
      return;
    }
    if (type === "subscribed") follower?.subscribed(message, timestamp);
    if (type === "resync") follower?.resync(message);
    if (type === "welcome") this.#welcome(message, timestamp);
    if (id !== undefined) this.#answered(id, message, timestamp);
    else this.onMessage(message, timestamp);
  }

  #welcome({ subscriptions }, timestamp) {
    for (const body of subscriptions) {
      if (body.error) fault("not subscribed", `${body.channel}: ${body.error.code}`);
      else this.#followers.get(body.channel)?.subscribed(body, timestamp);
    }
  }

  #answered(id, message, timestamp) {
    const asked = this.#answers.get(id);
    if (!asked) return fault("an answer to nothing", JSON.stringify(message));
    this.#answers.delete(id);
    asked.stop();
    this.#arrival = timestamp;
    answer.add(timestamp - asked.since);
    if (message.type === "error") asked.reject(new Refused(message.error));
    else asked.resolve(message);
  }

  #end() {
    if (this.code !== null) return;
    this.code = closeCode(this.error);
    for (const { stop, reject } of this.#answers.values()) {
      stop();
      reject(new Error(`closed with ${this.code}`));
    }
    this.#answers.clear();
    this.#ended(this.code);
    if (this.#closing) return;
    if (this.onCut) return this.onCut(this.code);
    cuts.add(1);
    fault("cut", `${this.code} ${this.error ?? ""}`);
  }
}
