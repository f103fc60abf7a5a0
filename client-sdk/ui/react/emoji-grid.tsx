import { useRef } from "preact/hooks";
import { emojiGroups } from "./emoji-table.js";

interface EmojiGridProps {
  /** What is looked for. */
  search: string;
  /** Emoji that are pressed. */
  pressed: string[];
  onPick(emoji: string): void;
}

/** All emoji, or those that are looked for. One stop of the keyboard; arrows move in it. */
export default function EmojiGrid({ onPick, pressed, search }: EmojiGridProps) {
  const grid = useRef<HTMLDivElement>(null);
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const groups = emojiGroups
    .map(({ emoji, name }) => ({
      name,
      emoji: emoji.filter((one) => words.every((word) => ` ${one.words}`.includes(` ${word}`) || one.emoji === word)),
    }))
    .filter(({ emoji }) => emoji.length);
  const first = groups[0]?.emoji[0];
  return (
    <div class="all" ref={grid} onKeyDown={(event) => move(event, grid.current!)}>
      {!first && (
        <p class="none" role="status">
          No emoji is called “{search}”.
        </p>
      )}
      {groups.map(({ emoji, name }) => (
        <div key={name} role="group" aria-label={name}>
          <h3 aria-hidden="true">{name}</h3>
          <div class="grid">
            {emoji.map((one) => (
              <button
                key={one.emoji}
                type="button"
                tabIndex={one === first ? 0 : -1}
                title={one.words}
                aria-label={one.words}
                aria-pressed={pressed.includes(one.emoji)}
                onClick={() => onPick(one.emoji)}
              >
                {one.emoji}
              </button>
            ))}
          </div>
        </div>
      ))}
    </div>
  );
}

/** To the next one in the direction of an arrow, by where they stand: rows are as wide as the screen lets them be. */
function move(event: KeyboardEvent, grid: HTMLElement): void {
  const buttons = [...grid.querySelectorAll<HTMLButtonElement>("button")];
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  if (at < 0) return;
  const rtl = getComputedStyle(grid).direction === "rtl";
  const back = rtl ? "ArrowRight" : "ArrowLeft";
  const on = rtl ? "ArrowLeft" : "ArrowRight";
  let next: HTMLButtonElement | undefined;
  if (event.key === on) next = buttons[at + 1];
  else if (event.key === back) next = buttons[at - 1];
  else if (event.key === "Home") next = buttons[0];
  else if (event.key === "End") next = buttons.at(-1);
  else if (event.key === "ArrowDown" || event.key === "ArrowUp")
    next = vertical(buttons, at, event.key === "ArrowDown");
  else return;
  event.preventDefault();
  if (next) next.focus();
  // Above the first row there is the search.
  else if (event.key === "ArrowUp") grid.parentElement?.querySelector("input")?.focus();
}

function vertical(buttons: HTMLButtonElement[], at: number, down: boolean): HTMLButtonElement | undefined {
  const { offsetLeft, offsetTop } = buttons[at]!;
  const beyond = (down ? buttons.slice(at + 1) : buttons.slice(0, at).reverse()).filter((button) =>
    down ? button.offsetTop > offsetTop : button.offsetTop < offsetTop,
  );
  const row = beyond.filter((button) => button.offsetTop === beyond[0]!.offsetTop);
  const distance = (button: HTMLButtonElement) => Math.abs(button.offsetLeft - offsetLeft);
  return row.sort((a, b) => distance(a) - distance(b))[0];
}
