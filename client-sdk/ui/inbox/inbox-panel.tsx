import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Notification } from "../../src/index.js";
import { useApp, useChanges } from "../base/app.js";
import { BellIcon } from "../base/icons.js";
import { Skeleton } from "../base/skeleton.js";
import { sentence } from "../base/words.js";
import { Notice } from "./notice.js";

interface InboxPanelProps {
  /** While it is open, what comes in is seen. */
  onLook(): void;
  /** Somebody goes to what a row is about. */
  onFollow(): void;
}

/** Newest first, what is about one thing in one row. Arrows go from row to row, Enter follows, Delete dismisses. */
export function InboxPanel({ onFollow, onLook }: InboxPanelProps) {
  const { inbox } = useApp();
  useChanges((changed) => inbox.onChange(changed), [inbox]);
  useEffect(onLook, [inbox.items]);
  const scroll = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => scroll.current?.focus({ preventScroll: true }), []);
  const list = useRef<HTMLUListElement>(null);
  const { complete, error, items, loaded, loading, unread } = inbox;

  const dismiss = (notification: Notification, at: number) => {
    const rows = links(list.current);
    // The row after it takes the focus, else the one before.
    const next = rows[at + 1] ?? rows[at - 1];
    if (list.current?.contains(document.activeElement))
      (next ?? list.current.closest<HTMLElement>(".popover"))?.focus();
    void inbox.dismiss(notification.id);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const rows = links(list.current);
    const at = rows.findIndex((row) => row.closest("li")?.contains(document.activeElement));
    let next: HTMLElement | undefined;
    if (event.key === "ArrowDown") next = rows[Math.min(rows.length - 1, at + 1)];
    else if (event.key === "ArrowUp") next = rows[Math.max(0, at - 1)];
    else if (event.key === "Home") next = rows[0];
    else if (event.key === "End") next = rows.at(-1);
    else if (event.key === "Delete" && at >= 0) dismiss(items[at]!, at);
    else return;
    event.preventDefault();
    next?.focus();
  };

  return (
    <>
      <header>
        <h2>Notifications</h2>
        {unread > 0 && (
          <button type="button" class="link" onClick={() => void inbox.readAll()}>
            Mark all as read
          </button>
        )}
      </header>
      <div class="scroll" ref={scroll} tabIndex={-1} onKeyDown={onKeyDown}>
        {error && (
          <p role="alert" class="note-bar bad">
            <span>{sentence(error)} </span>
            {!loaded && (
              <button type="button" class="link" onClick={() => void inbox.load()}>
                Try again
              </button>
            )}
          </p>
        )}
        {!loaded && !error && <Skeleton rows={3} label="Loading notifications" />}
        {loaded && !items.length && (
          <div class="empty">
            <BellIcon />
            <p>Nothing yet. Replies, mentions and reactions will be told here.</p>
          </div>
        )}
        <ul ref={list}>
          {items.map((notification, at) => (
            <li key={notification.id}>
              <Notice
                notification={notification}
                dismissLabel="Dismiss"
                onFollow={() => {
                  void inbox.read([notification.id]);
                  onFollow();
                }}
                onDismiss={() => dismiss(notification, at)}
              />
            </li>
          ))}
        </ul>
        {loaded && !complete && (
          <p class="more">
            <button type="button" class="plain" disabled={loading} onClick={() => void inbox.loadMore()}>
              {loading ? "Loading…" : "Load more"}
            </button>
          </p>
        )}
      </div>
    </>
  );
}

const links = (list: HTMLElement | null): HTMLElement[] => [
  ...(list?.querySelectorAll<HTMLElement>(".notice > a") ?? []),
];
