import { useEffect, useRef, useState } from "preact/hooks";

/** How long what was deleted can be taken back, in milliseconds. The server is told when that is over. */
const UNDO_MS = 5_000;

/**
 * Something that is done a little later, so that it can be taken back until then. Who leaves the page, or the place
 * where it stands, has decided.
 */
export function useUndo(run: () => void): { waits: boolean; begin(): void; undo(): void } {
  const [waits, setWaits] = useState(false);
  const latest = useRef(run);
  const undoing = useRef(() => {});
  latest.current = run;
  useEffect(() => {
    if (!waits) return;
    let done = false;
    const finish = () => {
      if (done) return;
      done = true;
      setWaits(false);
      latest.current();
    };
    const timer = setTimeout(finish, UNDO_MS);
    addEventListener("pagehide", finish);
    undoing.current = () => (done = true);
    return () => {
      clearTimeout(timer);
      removeEventListener("pagehide", finish);
      finish();
    };
  }, [waits]);
  return {
    waits,
    begin: () => setWaits(true),
    undo: () => {
      undoing.current();
      setWaits(false);
    },
  };
}
