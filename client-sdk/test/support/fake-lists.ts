import type { Comment, Post } from "../../src/protocol.js";
import { face, refuse, type Account } from "./fake-data.js";
import type { FakeHub } from "./fake-hub.js";

interface List<Item> {
  items: Item[];
  next_cursor: string | null;
}

/** A page of `items`, which are in order already; the cursor says how many came before and where they ended. */
export function paged<Item extends { id: number }>(
  url: URL,
  items: Item[],
  follows: (item: Item, after: number) => boolean,
): List<Item> {
  const { after, limit } = asked(url);
  const rest = after === null ? items : items.filter((item) => follows(item, after));
  const page = rest.slice(0, limit);
  return { items: structuredClone(page), next_cursor: rest.length > limit ? String(page.at(-1)!.id) : null };
}

function asked(url: URL): { limit: number; after: number | null } {
  const limit = Number(url.searchParams.get("limit") ?? 20);
  if (!(limit >= 1)) refuse("bad_request", 400, "limit is at least 1");
  const cursor = url.searchParams.get("cursor");
  if (cursor !== null && !/^\d+$/.test(cursor)) refuse("bad_request", 400, "a cursor of another list");
  return { limit: Math.min(100, limit), after: cursor === null ? null : Number(cursor) };
}

/** `GET /posts`, in its three ways. */
export function listPosts(hub: FakeHub, url: URL): List<object> {
  const keys = url.searchParams.get("page_keys")?.split(",");
  if (keys) {
    if (keys.length > 100) refuse("unprocessable", 422, "At most 100 keys.");
    const known = hub.data.posts.filter(({ page_key }) => page_key !== null && keys.includes(page_key));
    return {
      items: known.map(({ id, page_key, comment_count }) => ({ id, page_key, comment_count })),
      next_cursor: null,
    };
  }
  const tag = url.searchParams.get("tag");
  const words = (url.searchParams.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({ body, tags, title }: Post) =>
    (tag === null || tags.includes(tag)) && words.every((word) => `${title} ${body}`.toLowerCase().includes(word));
  return paged(url, [...hub.data.posts].reverse().filter(fits), (post, after) => post.id < after);
}

/** `GET /posts/{id}/comments`: flat or one level, in three orders, with the first replies of each. */
export function listComments(hub: FakeHub, url: URL, postId: number, user: Account | null) {
  const channel = `post:${hub.post(postId).id}`;
  const sort = url.searchParams.get("sort") ?? "oldest";
  if (!["oldest", "newest", "top"].includes(sort)) refuse("bad_request", 400, "No such sort.");
  const parent = url.searchParams.get("parent_id");
  const replies = Number(url.searchParams.get("replies") ?? 0);
  if (!(replies >= 0 && replies <= 10)) refuse("bad_request", 400, "replies is 0 to 10");
  const all = hub.data.comments.filter(({ post_id }) => post_id === postId);
  const children = (id: number | null) => all.filter(({ parent_id }) => parent_id === id);
  const listed = parent === null ? [...all] : children(parent === "0" ? null : Number(parent));

  const shown = (comment: Comment, levels: number): Comment => ({
    ...hub.shown(comment, user),
    ...(replies > 0 && levels > 0 && { replies: first(comment.id, levels) }),
  });
  const first = (id: number, levels: number) => {
    const below = children(id);
    const items = below.slice(0, replies);
    const more = below.length > items.length;
    return { items: items.map((one) => shown(one, levels - 1)), next_cursor: more ? String(items.at(-1)!.id) : null };
  };

  let page: List<Comment>;
  if (sort === "oldest") page = paged(url, listed, (comment, after) => comment.id > after);
  else if (sort === "newest") page = paged(url, listed.reverse(), (comment, after) => comment.id < after);
  else {
    const votes = ({ reactions }: Comment) => Object.values(reactions).reduce((sum, count) => sum + count, 0);
    const { after, limit } = asked(url);
    const ranked = listed.sort((a, b) => votes(b) - votes(a) || a.id - b.id);
    const end = (after ?? 0) + limit;
    page = { items: ranked.slice(after ?? 0, end), next_cursor: end < ranked.length ? String(end) : null };
  }
  const items = structuredClone(page.items.map((comment) => shown(hub.comment(comment.id), 2)));
  return { ...page, items, epoch: hub.data.epoch, seq: hub.head(channel) };
}

export function listPeople(hub: FakeHub, url: URL, postId: number) {
  const q = (url.searchParams.get("q") ?? "").toLowerCase();
  const { limit } = asked(url);
  const fits = ({ handle, name }: { handle: string; name: string }) => `${handle}\n${name.toLowerCase()}`.includes(q);
  return { items: hub.peopleOf(postId).filter(fits).slice(0, limit).map(face) };
}

export function listNotifications(hub: FakeHub, url: URL, user: Account) {
  const unread = url.searchParams.get("unread");
  if (unread !== null && unread !== "true") refuse("bad_request", 400, "unread is true or left out");
  const rows = hub.notificationsOf(user.id).filter(({ read_at }) => unread === null || read_at === null);
  const { after, limit } = asked(url);
  const rest = after === null ? rows : rows.filter(({ seq }) => seq < after);
  const items = rest.slice(0, limit);
  return {
    items,
    next_cursor: rest.length > limit ? String(items.at(-1)!.seq) : null,
    unread: hub.unread(user.id),
    epoch: hub.data.epoch,
    seq: hub.head(`user:${user.id}`),
  };
}
