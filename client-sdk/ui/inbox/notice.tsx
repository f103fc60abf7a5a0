import type { Notification } from "../../src/index.js";
import { AtIcon, BellIcon, CloseIcon, CommentIcon, ReplyIcon, SmileIcon } from "../base/icons.js";
import { Time } from "../base/time.js";
import { Avatar } from "../people/avatar.js";
import { address, context, says } from "./notification-words.js";

const ICONS: Record<string, () => preact.JSX.Element> = {
  comment: CommentIcon,
  reply: ReplyIcon,
  mention: AtIcon,
  reaction: SmileIcon,
};

interface NoticeProps {
  notification: Notification;
  dismissLabel: string;
  onFollow(): void;
  onDismiss(): void;
}

/** A notification as a row that leads to what it is about. */
export function Notice({ dismissLabel, notification, onDismiss, onFollow }: NoticeProps) {
  const { actors, kind, read_at, updated_at } = notification;
  const Kind = ICONS[kind] ?? BellIcon;
  const about = context(notification);
  const href = address(notification);
  return (
    <div class={read_at === null ? "notice unread" : "notice"}>
      <a
        href={href ?? "#"}
        onClick={(event) => {
          // What leads nowhere can be marked as read all the same.
          if (!href) event.preventDefault();
          onFollow();
        }}
      >
        <span class="face">
          {actors[0] ? (
            <>
              <Avatar person={actors[0]} />
              <span class="kind">
                <Kind />
              </span>
            </>
          ) : (
            <span class="avatar site">
              <Kind />
            </span>
          )}
        </span>
        <span class="says" dir="auto">
          {says(notification)}
          {read_at === null && <span class="hidden">, unread</span>}
        </span>
        {about && (
          <span class="context" dir="auto">
            {about}
          </span>
        )}
        <span class="when">
          <Time at={updated_at} />
        </span>
      </a>
      <span class="ends">
        <span class="dot" aria-hidden="true" />
        <button type="button" class="plain round" aria-label={dismissLabel} title={dismissLabel} onClick={onDismiss}>
          <CloseIcon />
        </button>
      </span>
    </div>
  );
}
