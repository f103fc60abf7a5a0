// Those who read a room, in each of the ways there are, and what is asked of them in the end.
import { Follower } from "./follower.js";
import { lost, missing } from "./metrics.js";
import { log } from "./rest.js";
import { dealt, opened } from "./vu.js";

/** How long what was written last may take to arrive. */
export const PATIENCE = 15_000;

const WAYS = [
  { codec: "json", shortcut: false },
  { codec: "msgpack", shortcut: false },
  { codec: "json", shortcut: true },
  { codec: "msgpack", shortcut: true },
];

/**
 * Brings those of so many readers in who fall to one of so many virtual users, and gives their followers: on the
 * multiplexed socket or the post's shortcut, in JSON or MessagePack, one after the other.
 */
export const seat = (readers, crowds, crowd, post, options) =>
  dealt(readers, crowds, crowd, async ({ turn }) => {
    const { codec, shortcut } = WAYS[turn % WAYS.length];
    const follower = new Follower(`post:${post}`, options);
    const socket = await opened(shortcut ? `/ws/posts/${post}/live` : "/ws", { n: turn, codec });
    if (shortcut) await socket.follows(follower);
    else await socket.connect({ follow: [follower] });
    return follower;
  });

/**
 * When nobody writes to a channel any more: all of its followers have all of its log, and all that was acknowledged
 * (`seq` and `subject` of each) is in it.
 */
export const settle = async (channel, followers, { token, acks = [] } = {}) => {
  if (!followers.length) return;
  const since = Math.min(...followers.map(({ start }) => start), ...acks.map(({ seq }) => seq - 1));
  const events = await log(channel, since, token);
  const head = since + events.length;
  const came = await Promise.all(followers.map((follower) => follower.reaches(head, PATIENCE)));
  came.forEach((all, n) => all || missing.add(head - followers[n].last));
  for (const follower of followers) follower.compare(since, events);
  for (const { seq, id } of acks) {
    const data = events[seq - since - 1]?.data;
    // A reaction may share its event with others of the same comment.
    if (!data || ![data.comment?.id, data.comment_id, undefined].includes(id)) lost.add(1);
  }
};
