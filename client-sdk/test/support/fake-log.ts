import type { ChannelEvent } from "../../src/protocol.js";
import { noData, type Account, type HubData } from "./fake-data.js";

/** The bottom of the fake hub: its data, people and their sessions, and the logs of channels. */
export abstract class FakeLog {
  data: HubData = noData();
  /** Called after every change of `data`. */
  changed: () => void = () => {};

  constructor(protected now: () => number = Date.now) {}

  time = (): string => new Date(this.now()).toISOString();

  // People

  addUser(name: string, email = `${name.toLowerCase()}@example.org`, password = "correct horse"): Account {
    const id = ++this.data.lastId;
    const account: Account = {
      id,
      name,
      handle: name.toLowerCase().replace(/\W/g, "_"),
      avatar_url: null,
      role: "user",
      email,
      password,
    };
    this.data.users.push(account);
    this.changed();
    return account;
  }

  /** A new session and its first tokens. */
  signIn(user: { id: number }): { token: string; refreshToken: string; session: string } {
    const session = `s${++this.data.lastId}`;
    this.data.sessions[session] = { userId: user.id };
    return { session, ...this.issue(session) };
  }

  issue(session: string): { token: string; refreshToken: string } {
    const token = `access-${++this.data.lastId}`;
    const refreshToken = `refresh-${++this.data.lastId}`;
    this.data.tokens[token] = { userId: this.data.sessions[session]!.userId, session };
    this.data.refresh[refreshToken] = session;
    this.changed();
    return { token, refreshToken };
  }

  userOf(token: string | undefined | null): Account | null {
    const held = token ? this.data.tokens[token] : undefined;
    return held ? this.data.users.find(({ id }) => id === held.userId)! : null;
  }

  // Channels

  head(channel: string): number {
    return this.data.logs[channel]?.length ?? 0;
  }

  append(channel: string, kind: string, data: unknown): ChannelEvent {
    const log = (this.data.logs[channel] ??= []);
    const event: ChannelEvent = {
      type: "event",
      channel,
      seq: log.length + 1,
      kind,
      at: this.time(),
      data: structuredClone(data),
    };
    log.push(event);
    this.changed();
    this.deliver(event);
    return event;
  }

  protected abstract deliver(event: ChannelEvent): void;
}
