import type { JSX } from "preact";
import type { Notification } from "../../src/index.js";

/** `Ann`, `Ann and Bob`, `Ann and 12 others`. */
export function who({ actors, count }: Notification): JSX.Element {
  const [first, second] = actors;
  const all = Math.max(count, actors.length);
  if (!first) return <>Somebody</>;
  return (
    <>
      <bdi>
        <b>{first.name}</b>
      </bdi>
      {all === 2 && second ? (
        <>
          {" and "}
          <bdi>
            <b>{second.name}</b>
          </bdi>
        </>
      ) : (
        all > 1 && ` and ${(all - 1).toLocaleString()} ${all === 2 ? "other" : "others"}`
      )}
    </>
  );
}

const DID: Record<string, string> = {
  comment: "commented on your post",
  reply: "replied to your comment",
  mention: "mentioned you",
  reaction: "reacted to your comment",
};

/** What happened, in a sentence. What a site sends speaks for itself. */
export function says(notification: Notification): JSX.Element {
  const did = DID[notification.kind];
  if (!did) return <b>{notification.title}</b>;
  return (
    <>
      {who(notification)} {did}
    </>
  );
}

/** One line of what it is about. */
export const context = ({ body, kind, title }: Notification): string => (kind in DID ? body || title : (body ?? ""));

/** Where it leads on this page; what is not about a comment here leads where it says, or nowhere. */
export function address({ comment_id, post_id, url }: Notification): string | undefined {
  if (post_id === null) return url ?? undefined;
  return `/posts/${post_id}${comment_id === null ? "" : `#comment-${comment_id}`}`;
}
