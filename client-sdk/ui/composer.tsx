import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { JSX, RefObject } from "preact";
import { drafts } from "./drafts.js";

const MAX_CHARS = 10_000;
/** From here on, what is left is told. */
const NEAR = 500;

interface ComposerProps {
  /** Under which the text is kept over reloads. */
  draftName: string;
  label: string;
  submitLabel: string;
  /** What stands in it when no draft does. */
  initial?: string;
  placeholder?: string;
  autoFocus?: boolean;
  busy?: boolean;
  maxChars?: number;
  /** The text box, for who wants to give it the focus. */
  boxRef?: RefObject<HTMLTextAreaElement | null>;
  /** Beside the buttons: what went wrong. */
  note?: JSX.Element | string | null;
  onSubmit(text: string): void | boolean;
  /** Leaves it; the text is kept. */
  onLeave?(): void;
}

/** A box to write in: it grows, Ctrl/Cmd+Enter sends, Esc leaves, and what is in it survives a reload. */
export function Composer(props: ComposerProps) {
  const {
    autoFocus,
    busy,
    draftName,
    initial = "",
    label,
    maxChars = MAX_CHARS,
    note,
    onLeave,
    onSubmit,
    placeholder,
    submitLabel,
  } = props;
  const id = useId();
  const ownBox = useRef<HTMLTextAreaElement>(null);
  const box: RefObject<HTMLTextAreaElement | null> = props.boxRef ?? ownBox;
  const [text, setText] = useState(() => drafts.get(draftName) || initial);
  const left = maxChars - [...text].length;

  // With the layout: whoever types at once must not find the cursor moved a moment later.
  useLayoutEffect(() => {
    const { current } = box;
    if (!autoFocus || !current) return;
    current.focus();
    current.setSelectionRange(current.value.length, current.value.length);
  }, []);

  useLayoutEffect(() => grow(box.current), [text]);

  const write = (next: string) => {
    setText(next);
    drafts.set(draftName, next === initial ? "" : next);
  };

  const submit = () => {
    if (busy || !text.trim() || left < 0) return;
    // False: it was not taken, and stays.
    if (onSubmit(text) === false) return;
    write("");
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && !event.isComposing) {
      if (onLeave) onLeave();
      else box.current?.blur();
    }
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label class="quiet" for={id}>
        {label}
      </label>
      <textarea
        id={id}
        ref={box}
        dir="auto"
        rows={3}
        value={text}
        placeholder={placeholder}
        onInput={(event) => write(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        onPaste={(event) => pasteLink(event, write)}
        aria-describedby={`${id}-note`}
      />
      <div class="row">
        <button type="submit" class="primary" disabled={busy || !text.trim() || left < 0}>
          {submitLabel}
        </button>
        {onLeave && (
          <button type="button" onClick={onLeave}>
            Cancel
          </button>
        )}
        <span class="note" id={`${id}-note`} aria-live="polite">
          {left < NEAR && (left < 0 ? `${-left} characters too many` : `${left} characters left`)}
          {note}
        </span>
      </div>
    </form>
  );
}

/** As high as its text. Set from script: the page's policy allows no style attributes in its HTML. */
function grow(box: HTMLTextAreaElement | null): void {
  if (!box || CSS.supports("field-sizing", "content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
}

/** An address pasted over a selection makes a link of it. */
function pasteLink(event: ClipboardEvent, write: (text: string) => void): void {
  const box = event.currentTarget as HTMLTextAreaElement;
  const { selectionEnd, selectionStart, value } = box;
  const pasted = event.clipboardData?.getData("text/plain").trim() ?? "";
  if (selectionStart === selectionEnd || !/^https?:\/\/\S+$/.test(pasted)) return;
  event.preventDefault();
  const link = `[${value.slice(selectionStart, selectionEnd)}](${pasted})`;
  write(value.slice(0, selectionStart) + link + value.slice(selectionEnd));
}
