import { useEffect, useRef, useState } from "preact/hooks";
import type { Notification } from "../../src/index.js";
import { useApp, useChanges } from "../base/app.js";
import { Notice } from "./notice.js";

/** How long it stays, in milliseconds, unless somebody is at it. */
const STAYS_MS = 7_000;

/**
 * The latest notification, for as long as it takes to notice it: at most one, and only of what is not on screen already.
 * Told to those who do not see it when they next pause.
 */
export function Toast() {
  const { inbox } = useApp();
  const [shown, setShown] = useState<Notification | null>(null);
  const [held, setHeld] = useState(false);
  const newest = useRef<number | null>(null);
  useChanges((changed) => inbox.onChange(changed), [inbox]);
  const { items, loaded } = inbox;

  useEffect(() => {
    const top = items.reduce((top, { seq }) => Math.max(top, seq), 0);
    const before = newest.current;
    newest.current = loaded ? top : null;
    const current = shown && items.find(({ id }) => id === shown.id);
    // Read or dismissed, here or in another window.
    if (shown && (!current || current.read_at !== null)) setShown(null);
    if (before === null || top <= before) return;
    const latest = items.find(({ seq }) => seq === top)!;
    if (latest.read_at === null && !onScreen(latest)) setShown(latest);
  }, [items, loaded]);

  useEffect(() => {
    if (!shown || held) return;
    const timer = setTimeout(() => setShown(null), STAYS_MS);
    return () => clearTimeout(timer);
  }, [shown, held]);

  return (
    <div
      class="toast"
      role="status"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocusIn={() => setHeld(true)}
      onFocusOut={() => setHeld(false)}
      onKeyDown={(event) => event.key === "Escape" && setShown(null)}
    >
      {shown && (
        <div key={shown.seq}>
          <Notice
            notification={shown}
            dismissLabel="Hide"
            onFollow={() => {
              void inbox.read([shown.id]);
              setShown(null);
            }}
            onDismiss={() => setShown(null)}
          />
        </div>
      )}
    </div>
  );
}

/** What one looks at needs no toast: the inbox is open, or the comment itself is in sight. */
function onScreen({ comment_id }: Notification): boolean {
  if (document.visibilityState === "hidden" || document.querySelector(".popover.inbox")) return true;
  const place = comment_id === null ? null : document.getElementById(`comment-${comment_id}`)?.getBoundingClientRect();
  return !!place && place.bottom > 0 && place.top < innerHeight;
}
