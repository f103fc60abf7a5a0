// What the server tells of: people, posts, comments, notifications. Told alike on the socket and over REST.

/** A person as others see them. */
export interface Person {
  id: number;
  name: string;
  handle: string;
  avatar_url?: string | null;
}

/** The person that this client is signed in as. */
export interface User extends Person {
  role: "user" | "moderator" | "admin" | (string & {});
}

/** A comment. Deleted, it keeps its place: no author, empty `body` and `html`. */
export interface Comment {
  id: number;
  post_id: number;
  parent_id: number | null;
  /** Its own id for a root. */
  root_id: number;
  /** 0 for a root. */
  depth: number;
  author: Person | null;
  /** Markdown, as written. */
  body: string;
  /** Rendered and sanitised by the server. */
  html: string;
  created_at: string;
  edited_at: string | null;
  deleted: boolean;
  /** How many of each emoji. */
  reactions: Record<string, number>;
  /** Direct replies, deleted ones included. */
  reply_count: number;
  key: string | null;
  /** The event of its creation. */
  seq: number;
  /** The last event that changed it: of two copies, the higher one is newer. */
  updated_seq: number;
  /** Only in answers to the signed-in caller; never in events. */
  my_reactions?: string[];
  /** Only in lists that were asked for with `replies`: the oldest direct ones. */
  replies?: { items: Comment[]; next_cursor: string | null };
}

export interface Post {
  id: number;
  title: string;
  body: string;
  html: string;
  url: string | null;
  page_key: string | null;
  author: Person | null;
  tags: string[];
  /** Comments that are not deleted. */
  comment_count: number;
  created_at: string;
  updated_at: string;
}

/** Where a reader of a channel stands: subscribe from here and nothing is missed. */
export interface Position {
  epoch: string;
  seq: number;
}

/** The reactions to a comment, and the asker's own, as of `seq`. */
export interface Reactions {
  reactions: Record<string, number>;
  my_reactions: string[];
  seq: number;
}

/** A row of somebody's inbox. What is about one thing is one row: `actors` and `count` grow, and it moves up. */
export interface Notification {
  id: number;
  /** Those of the server are listed; a site's own kinds are any text. */
  kind: "comment" | "reply" | "mention" | "reaction" | (string & {});
  /** For the server's kinds the title of the post. */
  title: string;
  /** For the server's kinds an excerpt. */
  body: string | null;
  url: string | null;
  post_id: number | null;
  comment_id: number | null;
  /** Who it is about, latest first; not all of them when they are many. */
  actors: Person[];
  count: number;
  created_at: string;
  updated_at: string;
  /** Null while it is unread; again so when something was added after it was read. */
  read_at: string | null;
  /** The event that brought it or last added to it. Lists go by it, newest first. */
  seq: number;
}

/** How many are unread, as of an event: of two, the one with the higher `seq` is true. */
export interface Unread {
  unread: number;
  seq: number;
}

/** Somebody who may do nothing just now, as moderators see it. */
export interface Ban {
  user: Person;
  /** Null until it is lifted. */
  until: string | null;
  reason: string | null;
  /** Null for an operator. */
  by: Person | null;
  created_at: string;
}
