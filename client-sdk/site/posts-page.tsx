import { useEffect } from "preact/hooks";
import { useApp, useChanges } from "../ui/base/app.js";
import { Avatar } from "../ui/people/avatar.js";
import { Skeleton } from "../ui/base/skeleton.js";
import { Time } from "../ui/base/time.js";
import { counted, sentence } from "../ui/base/words.js";
import { NewPost } from "./new-post.js";
import { postsList } from "./posts-list.js";
import { useLocation, useReturn, useTitle } from "./router.js";

export function PostsPage() {
  const { client, rest } = useApp();
  const { scroll } = useLocation();
  useTitle("Belfry");
  useChanges((changed) => postsList.on("change", changed));
  const { busy, complete, failure, items, loaded } = postsList;
  useReturn(loaded);
  useEffect(() => {
    // Coming back, the list is as it was left; otherwise it is read anew.
    if (scroll === null || !loaded) void postsList.reload(rest);
  }, []);
  useEffect(
    () =>
      client.on("state", (state) => {
        if (state.status === "connected" && postsList.failure?.of === "first") void postsList.reload(rest);
      }),
    [],
  );
  return (
    <>
      <h1>Posts</h1>
      <NewPost />
      {!loaded && !failure && <Skeleton rows={5} label="Loading posts" />}
      {failure?.of === "first" && (
        <p role="alert">
          <span class="problem">{sentence(failure.error)} </span>
          <button type="button" onClick={() => void postsList.reload(rest)}>
            Try again
          </button>
        </p>
      )}
      {loaded && !failure && !items.length && <p class="quiet">No posts yet. Write the first one.</p>}
      <ul class="posts">
        {items.map((post) => (
          <li key={post.id}>
            <a class="title" href={`/posts/${post.id}`} dir="auto">
              {post.title}
            </a>
            <p class="by quiet">
              <Avatar person={post.author} />
              {post.author && <bdi>{post.author.name}</bdi>}
              <Time at={post.created_at} />
              <span class="number">{counted(post.comment_count, "comment", "comments")}</span>
            </p>
          </li>
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
    </>
  );
}
