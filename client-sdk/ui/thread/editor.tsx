import { useState } from "preact/hooks";
import type { Comment } from "../../src/index.js";
import { asBelfryError, type BelfryError } from "../../src/errors.js";
import { sentence } from "../base/words.js";
import { Composer } from "../write/composer.js";
import { drafts } from "../write/drafts.js";
import { useThread } from "./thread-context.js";

interface EditorProps {
  comment: Comment;
  draftName: string;
  onDone(): void;
}

/** Changes a comment where it stands. */
export function Editor({ comment, draftName, onDone }: EditorProps) {
  const { thread } = useThread();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<BelfryError | null>(null);
  const save = async (text: string) => {
    setBusy(true);
    setError(null);
    try {
      if (text !== comment.body) await thread.live.edit(comment.id, text);
      drafts.set(draftName, "");
      onDone();
    } catch (thrown) {
      setError(asBelfryError(thrown));
      setBusy(false);
    }
  };
  return (
    <Composer
      draftName={draftName}
      initial={comment.body}
      label="Edit your comment"
      submitLabel={busy ? "Saving…" : "Save"}
      autoFocus
      busy={busy}
      findPeople={thread.findPeople}
      note={error && <span class="problem">{sentence(error)} Your text is kept.</span>}
      onLeave={onDone}
      onSubmit={(text) => {
        void save(text);
        return false;
      }}
    />
  );
}
