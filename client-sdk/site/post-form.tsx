import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { asBelfryError, type BelfryError } from "../src/errors.js";
import { SignedIn } from "../ui/base/signed-in.js";
import { useSecondsUntil } from "../ui/base/time.js";
import { fieldError, sentence } from "../ui/base/words.js";
import { Composer } from "../ui/write/composer.js";
import { drafts } from "../ui/write/drafts.js";
import { TagInput, withTyped } from "./tags.js";

export interface PostText {
  title: string;
  body: string;
  tags: string[];
}

interface PostFormProps {
  heading: string;
  /** Under which the texts are kept: `{drafts}.title`, `.body`, `.tags`. */
  draftName: string;
  initial?: PostText;
  submitLabel: string;
  signInLabel: string;
  busyLabel: string;
  /** Rejects with what went wrong; the texts are forgotten only when it resolves. */
  onSubmit(post: PostText): Promise<void>;
  onLeave(): void;
}

/** Once it is stored. */
export function forgetPostDraft(name: string): void {
  for (const part of ["title", "body", "tags"]) drafts.set(`${name}.${part}`, "");
}

/** Whether something was begun. */
export const hasPostDraft = (name: string): boolean =>
  ["title", "body"].some((part) => drafts.get(`${name}.${part}`).trim());

/** A post to write or to change. */
export function PostForm(props: PostFormProps) {
  const { draftName, initial = { title: "", body: "", tags: [] }, onLeave } = props;
  const [title, setTitle] = useState(() => drafts.get(`${draftName}.title`) || initial.title);
  const [tags, setTags] = useState<string[]>(() => {
    const kept = drafts.get(`${draftName}.tags`);
    return kept ? (JSON.parse(kept) as string[]) : initial.tags;
  });
  const [typedTag, setTypedTag] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<BelfryError | null>(null);
  const [notBefore, setNotBefore] = useState(0);
  const wait = useSecondsUntil(notBefore);
  const titleBox = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  useLayoutEffect(() => titleBox.current?.focus(), []);

  const submit = async (body: string) => {
    setBusy(true);
    setError(null);
    try {
      await props.onSubmit({ title: title.trim(), body, tags: withTyped(tags, typedTag) });
      forgetPostDraft(draftName);
    } catch (thrown) {
      const error = asBelfryError(thrown);
      setError(error);
      setNotBefore(Date.now() + (error.retryAfterMs ?? 0));
      setBusy(false);
    }
  };

  const tagProblem = fieldError(error, "tags");
  return (
    <section class="panel wide" aria-labelledby={`${id}-heading`}>
      <h2 id={`${id}-heading`}>{props.heading}</h2>
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
            drafts.set(`${draftName}.title`, value === initial.title ? "" : value);
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.isComposing) return;
            event.preventDefault();
            box.current?.focus();
          }}
        />
      </p>
      <TagInput
        tags={tags}
        typed={typedTag}
        onType={setTypedTag}
        problem={tagProblem}
        onChange={(tags) => {
          setTags(tags);
          drafts.set(`${draftName}.tags`, JSON.stringify(tags));
        }}
      />
      <SignedIn onSignedIn={() => box.current?.focus()}>
        {(check, signedIn) => (
          <Composer
            boxRef={box}
            draftName={`${draftName}.body`}
            initial={initial.body}
            label="Text"
            showLabel
            placeholder="Markdown is fine."
            maxChars={100_000}
            busy={busy || wait > 0}
            submitLabel={busy ? props.busyLabel : signedIn ? props.submitLabel : props.signInLabel}
            onLeave={onLeave}
            onSubmit={(body) => {
              if (!title.trim()) titleBox.current?.focus();
              else if (check()) void submit(body);
              return false;
            }}
          />
        )}
      </SignedIn>
      <p class="problem" id={`${id}-problem`} role="alert">
        {error && `${tagProblem ? "" : sentence(error)} Your text is kept.`}
      </p>
      {wait > 0 && <p class="problem number">You can try again in {wait} s.</p>}
    </section>
  );
}
