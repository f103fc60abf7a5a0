import { useId, useRef, useState } from "preact/hooks";
import { asBelfryError, type BelfryError } from "../src/errors.js";
import { useApp } from "../ui/base/app.js";
import { Composer } from "../ui/write/composer.js";
import { drafts } from "../ui/write/drafts.js";
import { SignedIn } from "../ui/base/signed-in.js";
import { useSecondsUntil } from "../ui/base/time.js";
import { sentence } from "../ui/base/words.js";
import { navigate } from "./router.js";

const TITLE = "post.title";
const BODY = "post.body";
/** The text that was last sent, and the key it was sent with. */
const SENT = "post.sent";

/** The same text has the same key, over failures and reloads: sent twice, it is one post. */
function keyFor(title: string, body: string): string {
  const text = JSON.stringify([title, body]);
  const sent = JSON.parse(drafts.get(SENT) || "{}") as { key?: string; text?: string };
  if (sent.text === text && sent.key) return sent.key;
  const key = crypto.randomUUID();
  drafts.set(SENT, JSON.stringify({ key, text }));
  return key;
}

export function NewPost() {
  const { rest } = useApp();
  const [open, setOpen] = useState(!!(drafts.get(TITLE) || drafts.get(BODY)));
  const [title, setTitle] = useState(drafts.get(TITLE));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<BelfryError | null>(null);
  const [notBefore, setNotBefore] = useState(0);
  const wait = useSecondsUntil(notBefore);
  const titleBox = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLTextAreaElement>(null);
  const id = useId();

  if (!open) {
    return (
      <p>
        <button
          type="button"
          class="primary"
          onClick={() => {
            setOpen(true);
            requestAnimationFrame(() => titleBox.current?.focus());
          }}
        >
          Write a post
        </button>
      </p>
    );
  }

  const publish = async (body: string) => {
    setBusy(true);
    setError(null);
    try {
      const post = await rest.createPost({ title: title.trim(), body }, keyFor(title, body));
      for (const name of [TITLE, BODY, SENT]) drafts.set(name, "");
      navigate(`/posts/${post.id}`);
    } catch (thrown) {
      const error = asBelfryError(thrown);
      setError(error);
      setNotBefore(Date.now() + (error.retryAfterMs ?? 0));
      setBusy(false);
    }
  };

  return (
    <section class="panel wide" aria-labelledby={`${id}-heading`}>
      <h2 id={`${id}-heading`}>Write a post</h2>
      <p class="field">
        <label for={`${id}-title`}>Title</label>
        <input
          id={`${id}-title`}
          ref={titleBox}
          dir="auto"
          maxLength={300}
          value={title}
          aria-describedby={`${id}-problem`}
          onInput={({ currentTarget: { value } }) => {
            setTitle(value);
            drafts.set(TITLE, value);
          }}
        />
        <span class="problem" id={`${id}-problem`} role="alert">
          {error && `${sentence(error)} Your text is kept.`}
        </span>
        {wait > 0 && <span class="problem number"> You can try again in {wait} s.</span>}
      </p>
      <SignedIn onSignedIn={() => box.current?.focus()}>
        {(check, signedIn) => (
          <Composer
            boxRef={box}
            draftName={BODY}
            label="Text"
            placeholder="Markdown is fine."
            maxChars={100_000}
            busy={busy || wait > 0}
            submitLabel={busy ? "Publishing…" : signedIn ? "Publish" : "Sign in to publish"}
            onLeave={() => setOpen(false)}
            onSubmit={(body) => {
              if (!title.trim()) titleBox.current?.focus();
              else if (check()) void publish(body);
              return false;
            }}
          />
        )}
      </SignedIn>
    </section>
  );
}
