import { useState } from "preact/hooks";
import type { BelfryError } from "../../src/index.js";
import { SmileIcon } from "../base/icons.js";
import { Popover } from "../base/popover.js";
import { sentence } from "../base/words.js";
import { Picker } from "./picker.js";

interface ReactionsProps {
  reactions: Record<string, number>;
  mine: string[];
  /** Whose comment it is, for those who do not see where the buttons stand. */
  name: string;
  error?: BelfryError | null;
  onReact(emoji: string, on: boolean): void;
}

/**
 * A chip for each emoji, one's own filled. The button that adds stands first: whatever comes in, it stays under the
 * pointer.
 */
export function Reactions({ error, mine, name, onReact, reactions }: ReactionsProps) {
  // The last one that was taken away here stays as long as it has the focus, so that the keyboard does not lose its place.
  const [held, setHeld] = useState<string | null>(null);
  const shown = Object.entries(reactions).filter(([emoji, count]) => count > 0 || emoji === held);
  if (held && !(held in reactions)) shown.push([held, 0]);
  const toggle = (emoji: string) => onReact(emoji, !mine.includes(emoji));
  return (
    <div class="reactions">
      <Popover
        label="Choose a reaction"
        buttonClass="plain add"
        panelClass="picker"
        button={
          <>
            <SmileIcon />
            <span class="hidden">React to {name}</span>
          </>
        }
      >
        {(close) => (
          <Picker
            pressed={mine}
            onPick={(emoji) => {
              close();
              toggle(emoji);
            }}
          />
        )}
      </Popover>
      {shown.map(([emoji, count]) => (
        <button
          key={emoji}
          type="button"
          class="chip"
          aria-pressed={mine.includes(emoji)}
          aria-label={`${emoji} ${count}`}
          onClick={() => toggle(emoji)}
          onFocus={() => setHeld(emoji)}
          onBlur={() => setHeld(null)}
        >
          <span class="emoji" aria-hidden="true">
            {emoji}
          </span>
          <span class="number">{count.toLocaleString()}</span>
        </button>
      ))}
      {error && (
        <span class="problem" role="alert">
          {sentence(error)}
        </span>
      )}
    </div>
  );
}
