import { useLayoutEffect, useRef } from "preact/hooks";

interface AskProps {
  question: string;
  busy?: boolean;
  error?: string;
  onDelete(): void;
  onKeep(): void;
}

/** Asks once, where the button stood. What loses nothing has the focus. */
export function AskDelete({ busy, error, onDelete, onKeep, question }: AskProps) {
  const keep = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => keep.current?.focus(), []);
  return (
    <div
      class="row actions asks"
      role="group"
      aria-label={question}
      onKeyDown={(event) => event.key === "Escape" && onKeep()}
    >
      <span class={error ? "problem" : ""}>{error ?? question}</span>
      <button type="button" class="danger" disabled={busy} onClick={onDelete}>
        {busy ? "Deleting…" : "Delete"}
      </button>
      <button type="button" ref={keep} onClick={onKeep}>
        Keep
      </button>
    </div>
  );
}
