import type { Name } from "../../src/index.js";
import { useChanges } from "../base/app.js";
import type { Room } from "../../src/index.js";

/** Who writes, in words. */
export function typingWords(names: Name[]): string {
  const [first, second] = names;
  if (!first) return "";
  if (!second) return `${first.name} is writing…`;
  if (names.length === 2) return `${first.name} and ${second.name} are writing…`;
  return `${first.name} and ${names.length - 1} others are writing…`;
}

/** A line that is as high when nobody writes. Not read out: it would interrupt with every word of somebody else. */
export function Typing({ room }: { room: Room }) {
  useChanges((changed) => room.on("typing", changed), [room]);
  const { typists } = room;
  return (
    <p class="typing">
      {typists.length > 0 && (
        <>
          <span class="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <bdi>{typingWords(typists)}</bdi>
        </>
      )}
    </p>
  );
}
