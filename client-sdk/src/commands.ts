import { Emitter } from "./emitter.js";
import type { Command, Comment, Reactions, Unread } from "./protocol.js";

/** What a signed-in person does over the socket, each as one call. */
export abstract class Commands<Events> extends Emitter<Events> {
  /**
   * Sends a command and resolves with its answer. Without a connection it waits for one; cut before the answer, it is
   * sent again. Rejects with the server's error, or `timeout`, `queue_full`, `closed`, `wrong_user`.
   */
  abstract request(command: Command): Promise<unknown>;

  /**
   * Writes a comment. `key` makes it one comment however often it is sent: give your own (1-64 visible ASCII characters)
   * to try again after an unknown outcome.
   */
  createComment(comment: { postId: number; parentId?: number | null; body: string; key?: string }): Promise<Comment> {
    const { postId, parentId, body, key = crypto.randomUUID() } = comment;
    return this.request({
      type: "comment.create",
      post_id: postId,
      ...(parentId ? { parent_id: parentId } : {}),
      body,
      key,
    }) as Promise<Comment>;
  }

  editComment(id: number, body: string): Promise<Comment> {
    return this.request({ type: "comment.edit", comment_id: id, body }) as Promise<Comment>;
  }

  deleteComment(id: number): Promise<Comment> {
    return this.request({ type: "comment.delete", comment_id: id }) as Promise<Comment>;
  }

  /** Puts an emoji on a comment, or takes it away; twice is once. */
  react(commentId: number, emoji: string, on: boolean): Promise<Reactions> {
    return this.request({ type: "comment.react", comment_id: commentId, emoji, on }) as Promise<Reactions>;
  }

  /** Marks notifications as read; `"all"` are those that the server has when it gets there. */
  readNotifications(ids: number[] | "all"): Promise<Unread> {
    return this.request({
      type: "notifications.read",
      ...(ids === "all" ? { all: true } : { ids }),
    }) as Promise<Unread>;
  }
}
