import { useEffect, useRef, useState } from "preact/hooks";
import type { Post } from "../src/index.js";
import { useApp, useChanges } from "../ui/base/app.js";
import { CloseIcon, CommentIcon, SearchIcon } from "../ui/base/icons.js";
import { Skeleton } from "../ui/base/skeleton.js";
import { Time } from "../ui/base/time.js";
import { counted, sentence } from "../ui/base/words.js";
import { Avatar } from "../ui/people/avatar.js";
import { NewPost } from "./new-post.js";
import { postsList, type Search } from "./posts-list.js";
import { refine, useLocation, useReturn, useTitle } from "./router.js";
import { Tags } from "./tags.js";

/** Between the last key in the search and its question, in milliseconds. */
const PAUSE_MS = 250;

function searchOf(query: string): Search {
  const asked = new URLSearchParams(query);
  return { q: asked.get("q") ?? "", tag: asked.get("tag") ?? "" };
}

function queryOf({ q, tag }: Search): string {
  const asked = new URLSearchParams();
  if (tag) asked.set("tag", tag);
  if (q) asked.set("q", q);
  return asked.size ? `?${asked}` : "";
}

export function PostsPage() {
  const { client, rest } = useApp();
  const { query, scroll } = useLocation();
  const search = searchOf(query);
  useTitle(search.tag ? `${search.tag} · Belfry` : "Belfry");
  useChanges((changed) => postsList.on("change", changed));
  const { busy, complete, failure, items } = postsList;
  const loaded = !!postsList.answered;
  useReturn(loaded);
  useEffect(() => {
    // Coming back, the list is as it was left; otherwise it is read anew.
    if (scroll === null || !postsList.has(search)) void postsList.load(rest, search);
  }, [query]);
  useEffect(
    () =>
      client.on("state", (state) => {
        if (state.status === "connected" && postsList.failure?.of === "first") void postsList.load(rest, search);
      }),
    [query],
  );
  return (
    <>
      <h1>Posts</h1>
      <NewPost>
        <SearchBox search={search} />
      </NewPost>
      {search.tag && (
        <p class="filters">
          <span class="quiet">Tagged</span>
          <span class="tag on">
            <bdi>{search.tag}</bdi>
            <a href={`/${queryOf({ ...search, tag: "" })}`} aria-label="Show posts of all tags">
              <CloseIcon />
            </a>
          </span>
        </p>
      )}
      {!loaded && !failure && <Skeleton rows={5} label="Loading posts" />}
      {failure?.of === "first" && (
        <p role="alert" class="note-bar bad">
          <span>{sentence(failure.error)} </span>
          <button type="button" class="link" onClick={() => void postsList.load(rest, search)}>
            Try again
          </button>
        </p>
      )}
      {loaded && !failure && !items.length && <Empty search={search} />}
      <ul class="posts" aria-busy={busy}>
        {items.map((post) => (
          <PostRow key={post.id} post={post} tag={search.tag} />
        ))}
      </ul>
      {loaded && !complete && (
        <p class="more">
          <button type="button" disabled={busy} onClick={() => void postsList.more(rest)}>
            {busy ? "Loading…" : "Load more posts"}
          </button>
          {failure?.of === "more" && <span class="problem"> {sentence(failure.error)}</span>}
        </p>
      )}
      <p class="hidden" role="status">
        {loaded &&
          !busy &&
          (search.q || search.tag) &&
          (complete ? counted(items.length, "post", "posts") : "20 posts or more")}
      </p>
    </>
  );
}

function SearchBox({ search }: { search: Search }) {
  const [text, setText] = useState(search.q);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const latest = useRef(search);
  latest.current = search;
  // From elsewhere: back, forward, or a link.
  useEffect(() => setText(search.q), [search.q]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const look = (q: string) => {
    clearTimeout(timer.current);
    if (q.trim() !== latest.current.q) refine(queryOf({ ...latest.current, q: q.trim() }));
  };
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        look(text);
      }}
    >
      <SearchIcon />
      <input
        type="search"
        aria-label="Search posts"
        placeholder="Search posts"
        maxLength={200}
        value={text}
        onInput={({ currentTarget: { value } }) => {
          setText(value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => look(value), PAUSE_MS);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || !text) return;
          event.preventDefault();
          setText("");
          look("");
        }}
      />
    </form>
  );
}

function Empty({ search }: { search: Search }) {
  const looking = search.q || search.tag;
  return (
    <div class="empty">
      {looking ? <SearchIcon /> : <CommentIcon />}
      <p>{looking ? "Nothing found." : "No posts yet. Write the first one."}</p>
      {looking && (
        <p>
          <a href="/">Show all posts</a>
        </p>
      )}
    </div>
  );
}

/** The beginning of a text, without the signs that format it. */
const excerpt = (markdown: string): string =>
  markdown
    .slice(0, 400)
    .replace(/^(```|~~~)[\s\S]*?(\1|$(?![\s\S]))/gm, " ")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^[>#\-*+\s]+|[*_`~]{1,3}/gm, (sign) => (/\s$/.test(sign) ? " " : ""))
    .replace(/\s+/g, " ")
    .trim();

function PostRow({ post, tag }: { post: Post; tag: string }) {
  return (
    <li>
      <a class="title" href={`/posts/${post.id}`} dir="auto">
        {post.title}
      </a>
      <p class="excerpt" dir="auto">
        {excerpt(post.body)}
      </p>
      <div class="by quiet small">
        <Avatar person={post.author} />
        {post.author && <bdi>{post.author.name}</bdi>}
        <Time at={post.created_at} />
        <span class="count number">
          <CommentIcon />
          {post.comment_count.toLocaleString()}
          <span class="hidden">{post.comment_count === 1 ? " comment" : " comments"}</span>
        </span>
        <Tags tags={post.tags} on={tag} />
      </div>
    </li>
  );
}
