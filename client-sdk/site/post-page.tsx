import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Post } from "../src/index.js";
import { asBelfryError, type BelfryError } from "../src/errors.js";
import { openThread } from "../src/thread.js";
import { isModerator, useApp, useChanges, useUser } from "../ui/base/app.js";
import { Html } from "../ui/base/html.js";
import { PencilIcon, TrashIcon } from "../ui/base/icons.js";
import { Skeleton } from "../ui/base/skeleton.js";
import { Time } from "../ui/base/time.js";
import { counted, sentence } from "../ui/base/words.js";
import { Avatar } from "../ui/people/avatar.js";
import { Here } from "../ui/people/here.js";
import { AskDelete } from "../ui/thread/deletion.js";
import { foldsOf } from "../ui/thread/folds.js";
import { keptSort } from "../ui/thread/sort.js";
import { Thread } from "../ui/thread/thread.js";
import { hasPostDraft, PostForm } from "./post-form.js";
import { postsList } from "./posts-list.js";
import { navigate, useReturn, useTitle } from "./router.js";
import { Tags } from "./tags.js";

export function PostPage({ id }: { id: number }) {
  const { client, rest } = useApp();
  const room = useMemo(() => client.room(`post:${id}`, { presence: true }), [id]);
  const live = useMemo(
    () => openThread({ client, rest, postId: id, pageSize: 30, replies: 3, sort: keptSort() }),
    [id],
  );
  useChanges((changed) => live.on("change", changed), [live]);
  useEffect(() => {
    void live.load();
    return () => live.close();
  }, [live]);
  const { error, post, status } = live;
  useTitle(post && `${post.title} · Belfry`);
  useReturn(status === "ready", async (anchor) => {
    const comment = /^comment-(\d+)$/.exec(anchor);
    // What could not be fetched is not there; the thread itself says when it is away.
    foldsOf(live).clear();
    return !!comment && live.find(Number(comment[1])).catch(() => false);
  });

  if (!post) {
    if (status === "gone") return <NotFound />;
    return status === "failed" && error ? (
      <p role="alert" class="note-bar bad">
        <span>{sentence(error)} </span>
        <button type="button" class="link" onClick={() => void live.load()}>
          Try again
        </button>
      </p>
    ) : (
      <Skeleton rows={6} label="Loading the post" />
    );
  }
  return (
    <>
      <PostArticle post={post} comments={live.store.commentCount} closed={status === "gone"}>
        <HereInRoom room={room} />
      </PostArticle>
      <Thread live={live} postId={id} />
    </>
  );
}

function HereInRoom({ room }: { room: ReturnType<ReturnType<typeof useApp>["client"]["room"]> }) {
  useChanges((changed) => room.on("presence", changed), [room]);
  return <Here roster={room.roster} />;
}

interface PostArticleProps {
  post: Post;
  comments: number;
  closed: boolean;
  children: preact.ComponentChildren;
}

function PostArticle({ children, closed, comments, post }: PostArticleProps) {
  const { rest } = useApp();
  const user = useUser();
  const draftName = `post.${post.id}`;
  const [mode, setMode] = useState<"read" | "edit" | "delete">(hasPostDraft(draftName) ? "edit" : "read");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<BelfryError | null>(null);
  const article = useRef<HTMLElement>(null);
  const may = !closed && !!user && (post.author?.id === user.id || isModerator(user));
  const read = () => {
    setMode("read");
    setError(null);
    article.current?.focus();
  };
  const remove = async () => {
    setBusy(true);
    try {
      await rest.deletePost(post.id);
      postsList.drop(post.id);
      navigate("/");
    } catch (thrown) {
      setError(asBelfryError(thrown));
      setBusy(false);
    }
  };

  if (mode === "edit" && may) {
    return (
      <PostForm
        heading="Edit the post"
        draftName={draftName}
        initial={post}
        submitLabel="Save"
        signInLabel="Sign in to save"
        busyLabel="Saving…"
        onLeave={read}
        onSubmit={async (changes) => {
          await rest.updatePost(post.id, changes);
          setMode("read");
        }}
      />
    );
  }
  return (
    <article class="post" aria-labelledby="post-title" tabIndex={-1} ref={article}>
      <h1 id="post-title" dir="auto">
        {post.title}
      </h1>
      <div class="by quiet">
        <Avatar person={post.author} />
        {post.author && <bdi class="name">{post.author.name}</bdi>}
        <Time at={post.created_at} />
        <Tags tags={post.tags} />
      </div>
      <Html html={post.html} />
      {mode === "delete" && may ? (
        <AskDelete
          question={`Delete this post${comments ? ` and its ${counted(comments, "comment", "comments")}` : ""}? This cannot be undone.`}
          busy={busy}
          error={error ? sentence(error) : undefined}
          onDelete={() => void remove()}
          onKeep={read}
        />
      ) : (
        <div class="row foot">
          {may && (
            <span class="own">
              <button type="button" class="plain" onClick={() => setMode("edit")}>
                <PencilIcon />
                Edit<span class="hidden"> the post</span>
              </button>
              <button type="button" class="plain" onClick={() => setMode("delete")}>
                <TrashIcon />
                Delete<span class="hidden"> the post</span>
              </button>
            </span>
          )}
          {children}
        </div>
      )}
    </article>
  );
}

export function NotFound() {
  useTitle("Not found · Belfry");
  return (
    <div class="empty">
      <h1>Nothing here</h1>
      <p>
        This post does not exist, or no longer. <a href="/">All posts</a>
      </p>
    </div>
  );
}
