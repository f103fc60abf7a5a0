import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { JSX, RefObject } from "preact";
import { Lazy } from "../base/lazy.js";
import { counted } from "../base/words.js";
import { drafts } from "./drafts.js";
import { grow, pasteLink } from "./editing.js";
import { useSuggestions, type FindPeople } from "./suggest.js";

const MAX_CHARS = 10_000;
/** From here on, what is left is told. */
const NEAR = 500;

interface ComposerProps {
  /** Under which the text is kept over reloads. */
  draftName: string;
  label: string;
  /** Whether the label is seen; it is heard in any case. */
  showLabel?: boolean;
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
  /** Who is offered after an `@`; without it nobody is. */
  findPeople?: FindPeople;
  /** At each change by hand. */
  onTyping?(): void;
  onSubmit(text: string): void | boolean;
  /** Leaves it; the text is kept. */
  onLeave?(): void;
}

/** A box to write in: it grows, Ctrl/Cmd+Enter sends, Esc leaves, and what is in it survives a reload. */
export function Composer(props: ComposerProps) {
  const { autoFocus, busy, draftName, initial = "", label, maxChars = MAX_CHARS, onLeave, showLabel } = props;
  const id = useId();
  const ownBox = useRef<HTMLTextAreaElement>(null);
  const box: RefObject<HTMLTextAreaElement | null> = props.boxRef ?? ownBox;
  const [text, setText] = useState(() => drafts.get(draftName) || initial);
  const [preview, setPreview] = useState(false);
  const suggestions = useSuggestions(box, props.findPeople);
  const left = maxChars - [...text].length;

  // With the layout: whoever types at once must not find the cursor moved a moment later.
  useLayoutEffect(() => {
    const { current } = box;
    if (!autoFocus || !current) return;
    current.focus();
    current.setSelectionRange(current.value.length, current.value.length);
  }, []);

  useLayoutEffect(() => grow(box.current), [text, preview]);

  const write = (next: string) => {
    setText(next);
    drafts.set(draftName, next === initial ? "" : next);
  };

  const submit = () => {
    if (busy || !text.trim() || left < 0) return;
    // False: it was not taken, and stays.
    if (props.onSubmit(text) === false) return;
    write("");
    setPreview(false);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (suggestions.onKeyDown(event)) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && !event.isComposing) {
      event.preventDefault();
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
      <label class={showLabel ? "" : "hidden"} for={id}>
        {label}
      </label>
      <div class="frame">
        <div role="tabpanel" id={`${id}-write`} aria-labelledby={`${id}-write-tab`} hidden={preview}>
          <textarea
            id={id}
            ref={box}
            dir="auto"
            rows={3}
            value={text}
            placeholder={props.placeholder}
            onInput={(event) => {
              write(event.currentTarget.value);
              suggestions.look();
              props.onTyping?.();
            }}
            onClick={suggestions.look}
            onBlur={suggestions.close}
            onKeyDown={onKeyDown}
            onPaste={pasteLink}
            aria-describedby={`${id}-note`}
            {...suggestions.aria}
          />
          {suggestions.list}
        </div>
        {preview && (
          <div
            class="preview"
            role="tabpanel"
            id={`${id}-preview`}
            aria-labelledby={`${id}-preview-tab`}
            tabIndex={0}
            onKeyDown={onKeyDown}
          >
            {text.trim() ? (
              <Lazy load={() => import("./preview.js")} props={{ text }} label="preview" />
            ) : (
              <p class="quiet">Nothing to preview yet.</p>
            )}
          </div>
        )}
        <div class="bar">
          <Tabs id={id} preview={preview} onChoose={setPreview} />
          <span class="note" id={`${id}-note`} aria-live="polite">
            {left < NEAR && room(left)}
            {props.note}
          </span>
          <span class="buttons">
            {onLeave && (
              <button type="button" class="plain" onClick={onLeave}>
                Cancel
              </button>
            )}
            <button type="submit" class="primary" disabled={busy || !text.trim() || left < 0}>
              {props.submitLabel}
            </button>
          </span>
        </div>
      </div>
    </form>
  );
}

const room = (left: number): string =>
  `${counted(Math.abs(left), "character", "characters")} ${left < 0 ? "too many" : "left"}`;

interface TabsProps {
  id: string;
  preview: boolean;
  onChoose(preview: boolean): void;
}

/** Two tabs, as one stop of the keyboard; arrows go from one to the other. */
function Tabs({ id, onChoose, preview }: TabsProps) {
  const tab = (name: "Write" | "Preview", selected: boolean) => (
    <button
      type="button"
      role="tab"
      id={`${id}-${name.toLowerCase()}-tab`}
      aria-selected={selected}
      aria-controls={selected ? `${id}-${name.toLowerCase()}` : undefined}
      tabIndex={selected ? 0 : -1}
      onClick={() => onChoose(name === "Preview")}
    >
      {name}
    </button>
  );
  return (
    <div
      class="tabs"
      role="tablist"
      aria-label="How to see the text"
      onKeyDown={(event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        event.preventDefault();
        onChoose(!preview);
        document.getElementById(`${id}-${preview ? "write" : "preview"}-tab`)?.focus();
      }}
    >
      {tab("Write", !preview)}
      {tab("Preview", preview)}
    </div>
  );
}
