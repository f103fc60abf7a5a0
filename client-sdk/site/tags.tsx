import { useId } from "preact/hooks";
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

/** As many, and as long, as the server takes by default; it has the last word. */
const MOST = 10;
const LONGEST = 30;

const clean = (text: string): string =>
  text.trim().replace(/^#+/, "").toLowerCase().split(/\s+/).filter(Boolean).join(" ").slice(0, LONGEST);

/** These tags and what is typed, which may be several with commas between them. */
export const withTyped = (tags: string[], typed: string): string[] =>
  [...new Set([...tags, ...typed.split(",").map(clean).filter(Boolean)])].slice(0, MOST);

interface TagInputProps {
  tags: string[];
  /** What is typed and no tag yet; who submits the form means it, too. */
  typed: string;
  onType(text: string): void;
  problem?: string;
  onChange(tags: string[]): void;
}

/** Tags, each ended with Enter or a comma; Backspace takes the last one back. */
export function TagInput({ onChange, onType, problem, tags, typed }: TagInputProps) {
  const id = useId();
  const add = (text: string) => {
    onChange(withTyped(tags, text));
    onType("");
  };
  return (
    <div class="field">
      <label for={id}>
        Tags <span class="quiet">(optional)</span>
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
          value={typed}
          disabled={tags.length >= MOST}
          autoComplete="off"
          aria-describedby={`${id}-problem`}
          aria-invalid={!!problem}
          onInput={({ currentTarget: { value } }) => (value.includes(",") ? add(value) : onType(value))}
          onKeyDown={(event) => {
            if (event.isComposing) return;
            if (event.key === "Enter" && typed && !event.ctrlKey && !event.metaKey) {
              event.preventDefault();
              add(typed);
            } else if (event.key === "Backspace" && !typed && tags.length) {
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
