import { useLayoutEffect, useState } from "preact/hooks";
import type { Notification } from "../../src/index.js";

/** The newest that was looked at, by its time; all tabs of a browser share it. Read is another thing, and the server's. */
const nameOf = (userId: number): string => `belfry.seen.${userId}`;

const read = (name: string): string => {
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
};

/** Whether something unread was not looked at yet, and what notes that it was. */
export function useSeen(userId: number, items: Notification[]): { unseen: boolean; look(): void } {
  const name = nameOf(userId);
  const [seen, setSeen] = useState(() => read(name));
  useLayoutEffect(() => {
    setSeen(read(name));
    const elsewhere = (event: StorageEvent) => event.key === name && setSeen(event.newValue ?? "");
    addEventListener("storage", elsewhere);
    return () => removeEventListener("storage", elsewhere);
  }, [name]);
  const look = () => {
    const newest = items.reduce((newest, { updated_at }) => (updated_at > newest ? updated_at : newest), seen);
    if (newest === seen) return;
    setSeen(newest);
    try {
      localStorage.setItem(name, newest);
    } catch {
      // Then this tab knows it, and no other.
    }
  };
  return { unseen: items.some(({ read_at, updated_at }) => read_at === null && updated_at > seen), look };
}
