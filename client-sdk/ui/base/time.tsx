import { useEffect, useReducer } from "preact/hooks";

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat("en", { dateStyle: "long", timeStyle: "short" });

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

export function ago(at: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(at)) / 1_000);
  for (const [unit, length] of STEPS)
    if (seconds >= length) return relative.format(-Math.floor(seconds / length), unit);
  return "just now";
}

export const exactly = (at: string): string => exact.format(new Date(at));

/** How long ago, kept right once a minute; to the minute for who asks. */
export function Time({ at }: { at: string }) {
  const [, tick] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const timer = setInterval(() => tick(undefined as never), 60_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={at} title={exactly(at)}>
      {ago(at, Date.now())}
    </time>
  );
}

/** Whole seconds until `at` (of `Date.now`), counting down; 0 when it has passed. */
export function useSecondsUntil(at: number): number {
  const [, tick] = useReducer((n: number) => n + 1, 0);
  const left = Math.max(0, Math.ceil((at - Date.now()) / 1_000));
  useEffect(() => {
    if (!left) return;
    const timer = setTimeout(() => tick(undefined as never), 1_000);
    return () => clearTimeout(timer);
  });
  return left;
}
