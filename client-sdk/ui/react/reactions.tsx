import { useRef, useState } from "preact/hooks";
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
  const order = useOrder(reactions);
  const shown = order
    .map((emoji) => [emoji, reactions[emoji] ?? 0] as const)
    .filter(([emoji, count]) => count > 0 || emoji === held);
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
      <span class="chips">
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
      </span>
      {error && (
        <span class="problem" role="alert">
          {sentence(error)}
        </span>
      )}
    </div>
  );
}

/** Most used first to begin with; what comes later goes to the end, so that nothing that is shown changes its place. */
function useOrder(reactions: Record<string, number>): string[] {
  const order = useRef<string[]>([]);
  const known = new Set(order.current);
  const added = Object.keys(reactions).filter((emoji) => !known.has(emoji));
  if (added.length) order.current = [...order.current, ...added.sort((a, b) => reactions[b]! - reactions[a]!)];
  return order.current;
}
