import { useEffect, useMemo } from "preact/hooks";
import { openThread } from "../src/thread.js";
import { useApp, useChanges } from "../ui/base/app.js";
import { Avatar } from "../ui/people/avatar.js";
import { Skeleton } from "../ui/base/skeleton.js";
import { Thread } from "../ui/thread/thread.js";
import { Time } from "../ui/base/time.js";
import { sentence } from "../ui/base/words.js";
import { useReturn, useTitle } from "./router.js";

export function PostPage({ id }: { id: number }) {
  const { client, rest } = useApp();
  const live = useMemo(() => openThread({ client, rest, postId: id, pageSize: 50 }), [id]);
  useChanges((changed) => live.on("change", changed), [live]);
  useEffect(() => {
    void live.load();
    return () => live.close();
  }, [live]);
  const { error, post, status } = live;
  useTitle(post && `${post.title} · Belfry`);
  useReturn(status === "ready", async (anchor) => {
    if (!anchor.startsWith("comment-") || live.store.complete) return false;
    await live.loadMore();
    return !live.error;
  });

  if (status === "gone") return <NotFound />;
  if (!post) {
    return status === "failed" && error ? (
      <p role="alert">
        <span class="problem">{sentence(error)} </span>
        <button type="button" onClick={() => void live.load()}>
          Try again
        </button>
      </p>
    ) : (
      <Skeleton rows={6} label="Loading the post" />
    );
  }
  return (
    <>
      <article class="post" aria-labelledby="post-title">
        <h1 id="post-title" dir="auto">
          {post.title}
        </h1>
        <p class="by quiet">
          <Avatar person={post.author} />
          {post.author && <bdi class="name">{post.author.name}</bdi>}
          <Time at={post.created_at} />
        </p>
        <div class="text" dir="auto" dangerouslySetInnerHTML={{ __html: post.html }} />
      </article>
      <Thread live={live} postId={id} />
    </>
  );
}

export function NotFound() {
  useTitle("Not found · Belfry");
  return (
    <>
      <h1>Nothing here</h1>
      <p>
        This post does not exist, or no longer. <a href="/">All posts</a>
      </p>
    </>
  );
}
