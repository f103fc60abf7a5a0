import { useEffect } from "preact/hooks";
import type { User } from "../../src/index.js";
import { useApp, useChanges } from "../base/app.js";
import { BellIcon } from "../base/icons.js";
import { Popover } from "../base/popover.js";
import { InboxPanel } from "./inbox-panel.js";
import { useSeen } from "./seen.js";

const MOST = 99;

/** How many are unread, for anybody who looks; the inbox for who asks. */
export function Bell({ user }: { user: User }) {
  const { inbox } = useApp();
  useChanges((changed) => inbox.onChange(changed), [inbox]);
  useEffect(() => void inbox.load(), [inbox, user.id]);
  const { items, unread } = inbox;
  const { look, unseen } = useSeen(user.id, items);
  return (
    <Popover
      label="Notifications"
      buttonLabel={unread ? `Notifications, ${unread.toLocaleString()} unread` : "Notifications"}
      buttonClass="plain round bell"
      panelClass="inbox"
      align="end"
      onOpen={look}
      button={
        <>
          <BellIcon />
          {unread > 0 && (
            <span class={unseen ? "badge" : "badge seen"} aria-hidden="true">
              {unread > MOST ? `${MOST}+` : unread}
            </span>
          )}
        </>
      }
    >
      {(close) => <InboxPanel onLook={look} onFollow={close} />}
    </Popover>
  );
}
