import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Lazy } from "../base/lazy.js";
import { frequent } from "./frequent.js";

interface PickerProps {
  /** Emoji that are pressed already. */
  pressed: string[];
  onPick(emoji: string): void;
}

/** Six emoji at hand, and all the others to look through. */
export function Picker({ onPick, pressed }: PickerProps) {
  const [search, setSearch] = useState("");
  const [six] = useState(frequent);
  const panel = useRef<HTMLDivElement>(null);
  // On touch screens the keyboard would cover what is to be chosen from.
  useLayoutEffect(() => {
    if (matchMedia("(pointer: fine)").matches) panel.current?.querySelector("input")?.focus({ preventScroll: true });
  }, []);
  const grid = (): HTMLButtonElement | null | undefined =>
    panel.current?.querySelector<HTMLButtonElement>(".grid button");
  return (
    <div ref={panel}>
      <div class="frequent" role="group" aria-label="Often used">
        {six.map((emoji) => (
          <button key={emoji} type="button" aria-pressed={pressed.includes(emoji)} onClick={() => onPick(emoji)}>
            {emoji}
          </button>
        ))}
      </div>
      <input
        type="search"
        aria-label="Search emoji"
        placeholder="Search emoji"
        autoComplete="off"
        value={search}
        onInput={(event) => setSearch(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.isComposing) return;
          if (event.key === "ArrowDown") {
            event.preventDefault();
            grid()?.focus();
          } else if (event.key === "Enter") {
            event.preventDefault();
            if (search.trim()) grid()?.click();
          }
        }}
      />
      <Lazy load={() => import("./emoji-grid.js")} props={{ search, pressed, onPick }} label="list of emoji" />
    </div>
  );
}
