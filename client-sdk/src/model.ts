// What the server tells of: people, posts, comments, notifications. Told alike on the socket and over REST.

import type { CommentView, Notification as AnyNotification, Person } from "./generated/rest.js";

export type { Ban, Person, Post, Reactions, Unread } from "./generated/rest.js";

/** The person that this client is signed in as. */
export interface User extends Person {
  role: "user" | "moderator" | "admin" | (string & {});
}

/**
 * A comment. Deleted, it keeps its place: no author, empty `body` and `html`. Of two copies the one with the higher
 * `updated_seq` is newer. `my_reactions` is only in answers to the signed-in caller, never in events; `replies` only in lists
 * that were asked for with `replies`.
 */
export type Comment = CommentView;

/** Where a reader of a channel stands: subscribe from here and nothing is missed. */
export interface Position {
  epoch: string;
  seq: number;
}

/**
 * A row of somebody's inbox. What is about one thing is one row: `actors` and `count` grow, and it moves up. `read_at` is
 * null while it is unread, and again when something was added after it was read. Lists go by `seq`, newest first.
 */
export type Notification = AnyNotification & {
  /** Those of the server are listed; a site's own kinds are any text. */
  kind: "comment" | "reply" | "mention" | "reaction" | (string & {});
};
