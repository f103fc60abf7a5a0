import type { ThreadNode } from "../../src/thread.js";
import { useUser } from "../base/app.js";
import { Avatar } from "../people/avatar.js";
import { SignedIn } from "../base/signed-in.js";
import { useThread } from "./thread-context.js";
import { useSecondsUntil } from "../base/time.js";
import { sentence } from "../base/words.js";

/** A comment on its way, or one that did not get there: its text is kept, whatever happened. */
export function PendingComment({ node }: { node: ThreadNode & { draft: NonNullable<ThreadNode["draft"]> } }) {
  const { draft } = node;
  const { error } = draft;
  const { thread } = useThread();
  const user = useUser();
  const wait = useSecondsUntil(thread.retryAt(draft));
  const foreign = !!user && user.id !== draft.author.id;
  return (
    <article
      class={`comment ${error ? "failed" : "pending"}`}
      aria-label={`Your comment, ${error ? "not sent" : "being sent"}`}
    >
      <header class="by">
        <Avatar person={draft.author} />
        <bdi class="name">{draft.author.name}</bdi>
        <span class="quiet">{error ? "not sent" : "sending…"}</span>
      </header>
      <div class="inset">
        <p class="text source" dir="auto">
          {draft.body}
        </p>
        {error && (
          <SignedIn onSignedIn={() => thread.live.retry(draft.key)}>
            {(check) => (
              <div class="row actions asks">
                <span class="problem" role="alert">
                  {sentence(error)}
                </span>
                {wait > 0 && <span class="problem number">You can send it again in {wait} s.</span>}
                {!foreign && (
                  <button type="button" disabled={wait > 0} onClick={() => check() && thread.live.retry(draft.key)}>
                    Retry
                  </button>
                )}
                <button type="button" onClick={() => thread.takeBack(draft.key)}>
                  Back to the text box
                </button>
              </div>
            )}
          </SignedIn>
        )}
      </div>
    </article>
  );
}
