import type { Comment } from "./model.js";
import type { EventData } from "./protocol.js";

type Told = EventData["comment.reacted"];

/** Events about what is not loaded, kept while a page that may hold it is on its way. */
export class Held {
  #comments = new Map<number, { comment: Comment; seq: number }>();
  #counts = new Map<number, { count: number; seq: number }>();
  #reactions = new Map<number, { told: Told; seq: number }[]>();

  comment(comment: Comment, seq: number): void {
    const held = this.#comments.get(comment.id);
    if (!held || held.seq < seq) this.#comments.set(comment.id, { comment, seq });
  }

  /** The direct replies of a comment. */
  replies(id: number, count: number, seq: number): void {
    this.#counts.set(id, { count, seq });
  }

  /** Of many the last one's numbers are enough; but each may tell of oneself. */
  reacted(told: Told, seq: number, me: number | null): void {
    const held = this.#reactions.get(told.comment_id) ?? [];
    const matters = ({ by }: Told) => !by || by.some(({ user_id }) => user_id === me);
    this.#reactions.set(told.comment_id, [...held.filter((one) => matters(one.told)), { told, seq }]);
  }

  counts(): [id: number, told: { count: number; seq: number }][] {
    return [...this.#counts];
  }

  comments(): { comment: Comment; seq: number }[] {
    return [...this.#comments.values()];
  }

  /** Those about a comment that is loaded by now. */
  takeReactions(id: number): { told: Told; seq: number }[] {
    const held = this.#reactions.get(id) ?? [];
    this.#reactions.delete(id);
    return held;
  }

  clear(): void {
    this.#comments.clear();
    this.#counts.clear();
    this.#reactions.clear();
  }
}
