import { useId, useState } from "preact/hooks";
import { CloseIcon } from "../ui/base/icons.js";

/** The list of what has this tag. */
export const tagAddress = (tag: string): string => `/?${new URLSearchParams({ tag })}`;

/** What a post is about; each leads to the others about it. `on` is the one that is looked at. */
export function Tags({ on, tags }: { tags: string[]; on?: string }) {
  if (!tags.length) return null;
  return (
    <span class="tags" role="group" aria-label="Tags">
      {tags.map((tag) => (
        <a
          key={tag}
          class={tag === on ? "tag on" : "tag"}
          href={tagAddress(tag)}
          aria-current={tag === on || undefined}
        >
          <bdi>{tag}</bdi>
        </a>
      ))}
    </span>
  );
}

/** As many as a post may have. */
const MOST = 5;
const LONGEST = 30;

const clean = (text: string): string =>
  text.trim().toLocaleLowerCase().replace(/^#/, "").replace(/\s+/g, "-").slice(0, LONGEST);

interface TagInputProps {
  tags: string[];
  problem?: string;
  onChange(tags: string[]): void;
}

/** Tags, each ended with Enter, a comma or by going on; Backspace takes the last one back. */
export function TagInput({ onChange, problem, tags }: TagInputProps) {
  const [text, setText] = useState("");
  const id = useId();
  const add = (typed: string) => {
    const added = typed.split(",").map(clean).filter(Boolean);
    onChange([...new Set([...tags, ...added])].slice(0, MOST));
    setText("");
  };
  return (
    <div class="field">
      <label for={id}>
        Tags <span class="quiet">(up to {MOST}, not needed)</span>
      </label>
      <div class="tag-input">
        {tags.map((tag) => (
          <span key={tag} class="tag on">
            <bdi>{tag}</bdi>
            <button
              type="button"
              aria-label={`Remove the tag ${tag}`}
              onClick={() => onChange(tags.filter((one) => one !== tag))}
            >
              <CloseIcon />
            </button>
          </span>
        ))}
        <input
          id={id}
          value={text}
          disabled={tags.length >= MOST}
          autoComplete="off"
          aria-describedby={`${id}-problem`}
          aria-invalid={!!problem}
          onInput={({ currentTarget: { value } }) => (value.includes(",") ? add(value) : setText(value))}
          onBlur={() => text && add(text)}
          onKeyDown={(event) => {
            if (event.isComposing) return;
            if (event.key === "Enter" && text && !event.ctrlKey && !event.metaKey) {
              event.preventDefault();
              add(text);
            } else if (event.key === "Backspace" && !text && tags.length) {
              onChange(tags.slice(0, -1));
            }
          }}
        />
      </div>
      <span class="problem" id={`${id}-problem`}>
        {problem}
      </span>
    </div>
  );
}
