import type { Notification, Person, Unread } from "../../src/protocol.js";
import { face, refuse, type StoredNotification } from "./fake-data.js";
import { FakeLog } from "./fake-log.js";

interface Told {
  kind: string;
  title: string;
  body?: string | null;
  url?: string | null;
  post_id?: number | null;
  comment_id?: number | null;
}

/** Notifications: one row for all that is about one thing, and one event on its owner's channel for each change. */
export abstract class FakeInbox extends FakeLog {
  notify(userId: number, groupKey: string, told: Told, actor?: Person): void {
    const time = this.time();
    const channel = `user:${userId}`;
    const seq = this.head(channel) + 1;
    const known = this.data.notifications.find((row) => row.userId === userId && row.groupKey === groupKey);
    if (known) {
      if (actor && known.actorIds.includes(actor.id)) return;
      known.count++;
      if (actor) known.actorIds.unshift(actor.id);
      Object.assign(known, { body: told.body ?? known.body, updated_at: time, read_at: null, seq });
      this.#tell(known, "notification.updated");
      return;
    }
    const row: StoredNotification = {
      id: ++this.data.lastId,
      userId,
      groupKey,
      kind: told.kind,
      title: told.title,
      body: told.body ?? null,
      url: told.url ?? null,
      post_id: told.post_id ?? null,
      comment_id: told.comment_id ?? null,
      actorIds: actor ? [actor.id] : [],
      count: 1,
      created_at: time,
      updated_at: time,
      read_at: null,
      seq,
    };
    this.data.notifications.push(row);
    this.#tell(row, "notification.created");
  }

  /** Somebody takes back what they added; the last one takes the row along. */
  unnotify(userId: number, groupKey: string, actor: { id: number }): void {
    const row = this.data.notifications.find((row) => row.userId === userId && row.groupKey === groupKey);
    if (!row?.actorIds.includes(actor.id)) return;
    row.actorIds = row.actorIds.filter((id) => id !== actor.id);
    row.count--;
    if (!row.count) return this.#delete(row);
    row.seq = this.head(`user:${userId}`) + 1;
    this.#tell(row, "notification.updated");
  }

  /** What a comment caused goes with it. */
  forgetComment(commentId: number): void {
    for (const row of this.data.notifications.filter((row) => row.comment_id === commentId)) this.#delete(row);
  }

  notificationsOf(userId: number): Notification[] {
    const own = this.data.notifications.filter((row) => row.userId === userId);
    return own.sort((a, b) => b.seq - a.seq).map((row) => this.#shown(row));
  }

  unread(userId: number): number {
    return this.data.notifications.filter((row) => row.userId === userId && row.read_at === null).length;
  }

  readNotifications(userId: number, which: { ids?: number[]; all?: boolean }): Unread {
    const channel = `user:${userId}`;
    const wanted = this.data.notifications.filter(
      (row) => row.userId === userId && row.read_at === null && (which.all || which.ids?.includes(row.id)),
    );
    for (const row of wanted) row.read_at = this.time();
    if (wanted.length) {
      const what = which.all ? { all: true } : { ids: wanted.map(({ id }) => id) };
      this.append(channel, "notifications.read", { ...what, unread: this.unread(userId) });
    }
    return { unread: this.unread(userId), seq: this.head(channel) };
  }

  dismissNotification(userId: number, id: number): void {
    const row = this.data.notifications.find((row) => row.userId === userId && row.id === id);
    if (!row) return refuse("not_found", 404);
    this.#delete(row);
  }

  #delete(row: StoredNotification): void {
    this.data.notifications = this.data.notifications.filter((other) => other !== row);
    const { id, userId } = row;
    this.append(`user:${userId}`, "notification.deleted", { id, unread: this.unread(userId) });
  }

  #tell(row: StoredNotification, kind: string): void {
    const unread = this.unread(row.userId);
    this.append(`user:${row.userId}`, kind, { notification: this.#shown(row), unread });
  }

  #shown({ userId: _, groupKey: __, actorIds, ...rest }: StoredNotification): Notification {
    const people = actorIds.slice(0, 3).map((id) => this.data.users.find((user) => user.id === id)!);
    return { ...rest, actors: people.map(face) };
  }
}
