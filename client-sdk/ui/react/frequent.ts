/** What is offered first: what this person used most in this browser, filled up with what most people use. */
const NAME = "belfry.emoji";
const USUAL = ["👍", "❤️", "😂", "🎉", "😮", "😢"];
/** How many different ones are kept count of. */
const KEPT = 30;

const read = (): [string, number][] => {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "[]") as [string, number][];
  } catch {
    return [];
  }
};

/** Six emoji. */
export function frequent(): string[] {
  const often = read()
    .filter(([, times]) => times > 2)
    .sort(([, a], [, b]) => b - a)
    .map(([emoji]) => emoji);
  return [...new Set([...often, ...USUAL])].slice(0, USUAL.length);
}

export function noteUse(emoji: string): void {
  const others = read().filter(([one]) => one !== emoji);
  const times = read().find(([one]) => one === emoji)?.[1] ?? 0;
  try {
    localStorage.setItem(NAME, JSON.stringify([[emoji, times + 1], ...others].slice(0, KEPT)));
  } catch {
    // Where nothing may be kept, the usual ones stay.
  }
}
