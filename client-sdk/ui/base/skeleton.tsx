import { useEffect, useState } from "preact/hooks";

/** In place of what is loading, but only after 200 ms: what is there at once should not blink. */
export function Skeleton({ label, rows }: { label: string; rows: number }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 200);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="skeleton" role="status" aria-label={label} aria-busy="true">
      {late &&
        Array.from({ length: rows }, (_, n) => (
          <div key={n} class="bones">
            <div class="bone face" />
            <div class="bone short" />
            <div class="bone long" />
          </div>
        ))}
    </div>
  );
}
