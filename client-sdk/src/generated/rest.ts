// Made from the server's document by scripts/rest-types.mjs: change it there.

/** A person as they see themselves. */
export type Account = Person & ({
  /** When they first came. */
  created_at: Timestamp;
  /** The address to sign in with; of people of the host's site the one that the site gave, if it did. */
  email: string | null;
  /** The host site's own name for the person; left out for others. */
  external_id?: string | null;
  /** What they may do. */
  role: Role;
});

/** Body of `PATCH /users/me`; what is left out stays as it is. */
export interface AccountChange {
  /** A picture, http or https; null takes it away. */
  avatar_url?: string | null;
  /** The unique name. */
  handle?: string | null;
  /** The name shown, not blank. */
  name?: string | null;
}

/** A ban that is in force, as moderators see it. */
export interface Ban {
  /** Who banned; none for an operator. */
  by: Person | null;
  /** When. */
  created_at: Timestamp;
  /** Why. */
  reason: string | null;
  /** When it ends by itself; none: when it is lifted. */
  until: Timestamp | null;
  /** Who is kept out. */
  user: Person;
}

/** A page of bans. */
export interface BanList {
  items: Ban[];
  /** Where the next page begins; null on the last. */
  next_cursor: string | null;
}

/** What a ban is to be. */
export interface BanTerms {
  /** Why, for other moderators. */
  reason?: string | null;
  /** When it ends by itself, a time to come; null or left out: when it is lifted. */
  until?: string | null;
}

/** A comment as clients see it. A deleted one keeps its place with no author and an empty body. */
export interface Comment {
  /** Who wrote it; none once deleted. */
  author: Person | null;
  /** Markdown as written. */
  body: string;
  /** When it was written. */
  created_at: Timestamp;
  /** Whether it is a tombstone. */
  deleted: boolean;
  /** Steps down from the root, 0 for a root. */
  depth: number;
  /** When it was last edited. */
  edited_at: Timestamp | null;
  /** The body rendered and sanitised. */
  html: string;
  /** Which comment. */
  id: CommentId;
  /** The idempotency key its author gave. */
  key: string | null;
  /** The comment it answers. */
  parent_id: CommentId | null;
  /** The post it stands below. */
  post_id: PostId;
  /** How many people chose each emoji. */
  reactions: Record<string, number>;
  /** Direct replies, deleted ones included. */
  reply_count: number;
  /** The first comment of its thread; its own id for a root. */
  root_id: CommentId;
  /** The sequence number of its creation. */
  seq: number;
  /** The sequence number of the last event that changed it. */
  updated_seq: number;
}

/** A comment, and the epoch its sequence numbers belong to. */
export type CommentAnswer = CommentView & {
  epoch: string;
};

/** What becomes of a comment. */
export interface CommentEdit {
  /** Markdown, not blank. */
  body: string;
}

/** A comment below a post. */
export type CommentId = number;

/** A page of comments, and where their post's channel stands. */
export interface CommentList {
  epoch: string;
  items: CommentView[];
  /** Where the next page begins; null on the last. */
  next_cursor: string | null;
  /** The head of `post:{id}`, from which to subscribe. */
  seq: number;
}

/** A comment as one reader sees it. */
export type CommentView = Comment & {
  /** The emoji this reader chose, for readers who are signed in. */
  my_reactions?: string[];
  /** Its oldest direct replies, where the list was asked for them; two levels deep. */
  replies?: Replies;
};

/** What a page needs to know before it opens a socket. */
export interface Config {
  /** How often a socket is heard of, in milliseconds. */
  heartbeat_ms: number;
  /** Most characters of a comment. */
  max_comment_chars: number;
  /** Whether pages of the asking origin may use this server. */
  origin_allowed: boolean;
  /** Whether people may sign up. */
  registration: boolean;
  /** The server's version. */
  version: string;
}

/** Somebody who has an account. */
export interface Credentials {
  email: string;
  password: string;
  /** Where refresh tokens travel: in the `cookie` (where it is left out) or in the `body`. */
  session?: string | null;
}

/** Why it was not carried out; the same list as on the socket. */
export type ErrorCode = "bad_request" | "unauthenticated" | "forbidden" | "not_found" | "method_not_allowed" | "conflict" | "too_large" | "unprocessable" | "rate_limited" | "internal" | "unavailable";

/** One entry of a channel's log, composed and ready to be encoded. */
export interface Event {
  /** When it was committed. */
  at: Timestamp;
  /** Whose log. */
  channel: string;
  /** The subject as of `seq` or later, as JSON text. */
  data: unknown;
  /** What happened. */
  kind: string;
  /** Its place there: 1, 2, 3 … without holes. */
  seq: number;
}

/** A stretch of a channel's log. */
export interface Events {
  epoch: string;
  /** Events up to here are no longer kept. */
  floor: number;
  /** In order, without holes. */
  items: Event[];
  /** The channel's head. */
  seq: number;
}

export interface FieldProblem {
  /** What is wrong with it. */
  detail: string;
  /** A JSON pointer into the body. */
  pointer: string;
}

/** What `/health` says. */
export interface Health {
  /** The bus; one in the process is always there. */
  bus: Part;
  /** The database. */
  database: Part;
  /** `ok`, `degraded` without the bus, `down` without the database. */
  status: string;
}

/** A person of the host's site, as its back end tells of them. */
export interface HostPerson {
  /** A picture, http or https; null takes it away, left out it stays. */
  avatar_url?: string | null;
  /** An address, which nobody signs in with; null takes it away, left out it stays. */
  email?: string | null;
  /** The site's own name for the person, not empty. */
  external_id: string;
  /** The name shown, not blank. */
  name: string;
}

/** A person who is kept. */
export interface KeptPerson {
  user: Account;
}

/** Whether it is of use. */
export interface Liveness {
  /** Why not, where it is `down`. */
  reason?: string;
  /** `ok` or `down`. */
  status: string;
}

/** What a comment begins with. */
export interface NewComment {
  /** Markdown, not blank. */
  body: string;
  /** As the header `Idempotency-Key`; everyone sees it on the comment. */
  key?: string | null;
  /** The comment it answers. */
  parent_id?: CommentId | null;
}

/** What a post begins with. */
export interface NewPost {
  /** Markdown, not blank. */
  body: string;
  /** As the header `Idempotency-Key`. */
  key?: string | null;
  /** Labels: kept in lower case, each once. */
  tags?: string[] | null;
  /** One line, not blank. */
  title: string;
}

/** Something to tell people, who are named by either of the two. */
export interface Notice {
  body?: string | null;
  /** The host site's own names. */
  external_ids?: string[] | null;
  /**
   * People have one notification of a kind and group: told again its text is replaced, it counts one more and is
   * unread again.
   */
  group?: string | null;
  /** As the header `Idempotency-Key`. */
  key?: string | null;
  /** Not `comment`, `reply`, `mention` or `reaction`. */
  kind: string;
  /** One line, not blank. */
  title: string;
  /** Where to look, http or https. */
  url?: string | null;
  user_ids?: UserId[] | null;
}

/** A notification as its person sees it. */
export interface Notification {
  /** Who caused it, the latest first, at most five. */
  actors: Person[];
  /** The beginning of the comment's text, or what a back end wrote. */
  body: string | null;
  /** The comment it is about. */
  comment_id: CommentId | null;
  /** How many people caused it, or how often a back end told it. */
  count: number;
  /** When it first happened. */
  created_at: Timestamp;
  /** Which notification. */
  id: NotificationId;
  /** `comment`, `reply`, `mention`, `reaction`, or whatever a back end calls its own. */
  kind: string;
  /** The post it is about. */
  post_id: PostId | null;
  /** When it was read; none while it is unread. */
  read_at: Timestamp | null;
  /** The last event that made or changed it. */
  seq: number;
  /** The post's title, or what a back end wrote. */
  title: string;
  /** When it last happened. */
  updated_at: Timestamp;
  /** Where to look; of the hub's own kinds an address of a post with the comment as its fragment. */
  url: string | null;
}

/** Something a person is told. */
export type NotificationId = number;

/** A page of notifications, and where their person's channel stands. */
export interface NotificationList {
  epoch: string;
  items: Notification[];
  /** Where the next page begins; null on the last. */
  next_cursor: string | null;
  /** The head of `user:{id}`, from which to subscribe. */
  seq: number;
  /** How many are unread in all. */
  unread: number;
}

/** How many people were told. */
export interface Notified {
  accepted: number;
  /** Named and not known. */
  unknown: number;
}

/** A page of the host's site. */
export interface Page {
  /** The site's own name for the page: one line without a comma, not blank. */
  page_key: string;
  /** What it is called: one line, not blank. */
  title?: string | null;
  /** Where it is, http or https; on the origin that asks, for a page that is not there yet. */
  url?: string | null;
}

/** How many comments the page of a host's site has. */
export interface PageCount {
  /** Comments that are not deleted. */
  comment_count: number;
  /** The post that stands for it. */
  id: PostId;
  /** The host's own name for it. */
  page_key: string;
}

/** How many comments pages of the host's site have. */
export interface PageCounts {
  items: PageCount[];
  /** Always null. */
  next_cursor: string | null;
}

/** How another part is. */
export type Part = "ok" | "down";

/** People of a post. */
export interface People {
  items: Person[];
}

/** A person as others see them. */
export interface Person {
  /** A picture, http or https. */
  avatar_url: string | null;
  /** The unique name that mentions use. */
  handle: string;
  /** Who it is. */
  id: UserId;
  /** The name shown. */
  name: string;
}

/** A post as clients see it. */
export interface Post {
  /** Who wrote it; none for a page of the host's site. */
  author: Person | null;
  /** Markdown as written. */
  body: string;
  /** Comments that are not deleted. */
  comment_count: number;
  /** When it was written. */
  created_at: Timestamp;
  /** The body rendered and sanitised. */
  html: string;
  /** Which post. */
  id: PostId;
  /** The host's own name for that page. */
  page_key: string | null;
  /** Labels. */
  tags: string[];
  /** One line of text. */
  title: string;
  /** When it was last changed. */
  updated_at: Timestamp;
  /** Where the post lives on the host's site, if it stands for a page there. */
  url: string | null;
}

/** A post, and where its channel stands. */
export type PostAnswer = Post & {
  epoch: string;
  /** The head of `post:{id}`, from which to subscribe. */
  seq: number;
};

/** What changes of a post; what is left out stays. */
export interface PostChange {
  /** Markdown, not blank. */
  body?: string | null;
  /** Labels, in the place of all there were. */
  tags?: string[] | null;
  /** One line, not blank. */
  title?: string | null;
}

/** A post: what a room stands around. */
export type PostId = number;

/** A page of posts, or how many comments pages of the host's site have. */
export type PostList = Posts | PageCounts;

/** A page of posts. */
export interface Posts {
  items: Post[];
  /** Where the next page begins; null on the last. */
  next_cursor: string | null;
}

/** Why a request was not carried out (RFC 9457). */
export interface Problem {
  code: ErrorCode;
  /** One sentence for people. */
  detail: string;
  /** What is wrong with which field. */
  errors?: FieldProblem[];
  /** The request's name in the logs, as in `X-Request-Id`. */
  request_id: string;
  /** The status. */
  status: number;
  /** The status in words. */
  title: string;
  /** Always `about:blank`: the code says which problem it is. */
  type: string;
}

/** An event to append. */
export interface Publication {
  /** `post:{id}` or `user:{id}`. */
  channel: string;
  /** Any JSON; told as it is given. */
  data: unknown;
  /** As the header `Idempotency-Key`. */
  key?: string | null;
  kind: string;
}

/** Where an event stands now. */
export interface Published {
  seq: number;
}

/** What stands on a comment after a toggle and all that went with it. */
export interface Reactions {
  /** What the caller chose, in the order of code points. */
  my_reactions: string[];
  /** How many people chose each emoji. */
  reactions: Record<string, number>;
  /** The last event that changed the comment. */
  seq: number;
}

/** These, where others' and unknown ones are passed over; or all there are. */
export type Reading = {
  all?: false | null;
  ids: NotificationId[];
} | {
  all: true;
  ids?: null;
};

/** A session whose tokens travel in bodies. */
export interface RefreshToken {
  refresh_token?: string | null;
}

/** Somebody who wants an account. */
export interface Registration {
  /** The address to sign in with. */
  email: string;
  /** The unique name; made from the name where it is left out. */
  handle?: string | null;
  /** The name shown, not blank. */
  name: string;
  password: string;
  /** Where refresh tokens travel: in the `cookie` (where it is left out) or in the `body`. */
  session?: string | null;
}

/** The first replies of a comment. */
export interface Replies {
  /** The replies, oldest first. */
  items: CommentView[];
  /** Where the list of them goes on: `?parent_id={the comment}&sort=oldest`; null where these are all. */
  next_cursor: string | null;
}

/** What a person may do beyond their own things. */
export type Role = "user" | "moderator" | "admin";

/** Somebody who is signed in. */
export interface SignedIn {
  /** For `Authorization: Bearer` and for `connect`. */
  access_token: string;
  /** How long the access token is good, in seconds. */
  expires_in: number;
  /** Good once, for the next of both; only where the session's tokens travel in bodies. */
  refresh_token?: string;
  user: Account;
}

/** A moment, RFC 3339 in UTC with milliseconds. */
export type Timestamp = string;

/** What is unread now. */
export interface Unread {
  /** The head of `user:{id}` after it. */
  seq: number;
  unread: number;
}

/** A person. */
export type UserId = number;
