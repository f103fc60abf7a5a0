import { useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { useApp } from "../ui/base/app.js";
import { PencilIcon } from "../ui/base/icons.js";
import { drafts } from "../ui/write/drafts.js";
import { forgetPostDraft, hasPostDraft, PostForm, type PostText } from "./post-form.js";
import { navigate } from "./router.js";

const DRAFT = "post";
/** The text that was last sent, and the key it was sent with. */
const SENT = "post.sent";

/** The same text has the same key, over failures and reloads: sent twice, it is one post. */
function keyFor(post: PostText): string {
  const text = JSON.stringify(post);
  const sent = JSON.parse(drafts.get(SENT) || "{}") as { key?: string; text?: string };
  if (sent.text === text && sent.key) return sent.key;
  const key = crypto.randomUUID();
  drafts.set(SENT, JSON.stringify({ key, text }));
  return key;
}

/** What stands above the list: the search that is given, and the way to a post of one's own. */
export function NewPost({ children }: { children: ComponentChildren }) {
  const { rest } = useApp();
  const [open, setOpen] = useState(() => hasPostDraft(DRAFT));
  const opener = useRef<HTMLButtonElement>(null);
  return (
    <>
      <div class="tools">
        {children}
        <button
          type="button"
          class={open ? "" : "primary"}
          ref={opener}
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          <PencilIcon />
          <span>
            Write<span class="longer"> a post</span>
          </span>
        </button>
      </div>
      {open && (
        <PostForm
          heading="Write a post"
          draftName={DRAFT}
          submitLabel="Publish"
          signInLabel="Sign in to publish"
          busyLabel="Publishing…"
          onLeave={() => {
            setOpen(false);
            opener.current?.focus();
          }}
          onSubmit={async (text) => {
            const post = await rest.createPost(text, keyFor(text));
            drafts.set(SENT, "");
            forgetPostDraft(DRAFT);
            navigate(`/posts/${post.id}`);
          }}
        />
      )}
    </>
  );
}
