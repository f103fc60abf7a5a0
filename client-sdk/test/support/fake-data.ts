import type { ErrorBody } from "../../src/errors.js";
import type { ChannelEvent, Comment, Notification, Person, Post, User } from "../../src/protocol.js";

export class Refusal extends Error {
  constructor(
    readonly body: ErrorBody,
    readonly status = 400,
  ) {
    super(body.code);
  }
}

export const refuse = (code: string, status: number, detail = code): never => {
  throw new Refusal({ code, detail }, status);
};

export interface Account extends User {
  email: string;
  password: string;
  banned?: { until: string | null; reason: string | null };
}

export interface StoredNotification extends Omit<Notification, "actors"> {
  userId: number;
  groupKey: string;
  actorIds: number[];
}

/** What is stored: all of it is plain data, so that a dev server can write it to a file. */
export interface HubData {
  epoch: string;
  users: Account[];
  /** By access token. Removed, the token is refused. */
  tokens: Record<string, { userId: number; session: string }>;
  /** Session by refresh token. */
  refresh: Record<string, string>;
  sessions: Record<string, { userId: number; ended?: boolean }>;
  posts: Post[];
  comments: Comment[];
  reactions: { commentId: number; userId: number; emoji: string }[];
  notifications: StoredNotification[];
  logs: Record<string, ChannelEvent[]>;
  lastId: number;
}

export const noData = (): HubData => ({
  epoch: "epoch-1",
  users: [],
  tokens: {},
  refresh: {},
  sessions: {},
  posts: [],
  comments: [],
  reactions: [],
  notifications: [],
  logs: {},
  lastId: 0,
});

export const face = ({ id, name, handle }: Person): Person => ({ id, name, handle, avatar_url: null });

export const html = (body: string): string =>
  body
    .split(/\n{2,}/)
    .map(
      (text) =>
        `<p>${text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/\*(\w[^*]*)\*/g, "<em>$1</em>")}</p>`,
    )
    .join("\n");
