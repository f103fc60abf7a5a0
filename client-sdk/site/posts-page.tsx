import { useEffect } from "preact/hooks";
import { useApp, useChanges } from "../ui/app.js";
import { Avatar } from "../ui/avatar.js";
import { Skeleton } from "../ui/skeleton.js";
import { Time } from "../ui/time.js";
import { counted, sentence } from "../ui/words.js";
import { NewPost } from "./new-post.js";
import { postsList } from "./posts-list.js";
import { useLocation, useReturn, useTitle } from "./router.js";

export function PostsPage() {
  const { rest } = useApp();
  const { scroll } = useLocation();
  useTitle("Belfry");
  useChanges((changed) => postsList.on("change", changed));
  const { busy, complete, error, items, status } = postsList;
  useReturn(status === "ready");
  useEffect(() => {
    // Coming back, the list is as it was left; otherwise it is read anew.
    if (scroll === null || status !== "ready") void postsList.reload(rest);
  }, []);
  return (
    <>
      <h1>Posts</h1>
      <NewPost />
      {status === "loading" && <Skeleton rows={5} label="Loading posts" />}
      {status === "failed" && error && (
        <p role="alert">
          <span class="problem">{sentence(error)} </span>
          <button type="button" onClick={() => void postsList.reload(rest)}>
            Try again
          </button>
        </p>
      )}
      {status === "ready" && !items.length && <p class="quiet">No posts yet. Write the first one.</p>}
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
      {status === "ready" && !complete && (
        <p class="more">
          <button type="button" disabled={busy} onClick={() => void postsList.more(rest)}>
            {busy ? "Loading…" : "Load more posts"}
          </button>
          {error && <span class="problem"> {sentence(error)}</span>}
        </p>
      )}
    </>
  );
}
