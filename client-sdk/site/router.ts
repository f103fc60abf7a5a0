import { useEffect, useReducer } from "preact/hooks";

interface Place {
  path: string;
  /** Where the reader was, when they come back to a page. */
  scroll: number | null;
}

let place: Place = { path: location.pathname, scroll: null };
const listeners = new Set<() => void>();

const go = (scroll: number | null): void => {
  place = { path: location.pathname, scroll };
  for (const listener of [...listeners]) listener();
};

/** Goes to a page of this site. */
export function navigate(path: string): void {
  noteScroll();
  history.pushState(null, "", path);
  go(null);
  scrollTo(0, 0);
  // What had the focus is gone: what comes next starts at the content.
  document.getElementById("main")?.focus({ preventScroll: true });
}

const noteScroll = (): void => history.replaceState({ scroll: scrollY }, "");

/** Takes over links within this site, and back and forward. */
export function startRouter(): void {
  history.scrollRestoration = "manual";
  place.scroll = (history.state as Place | null)?.scroll ?? null;
  addEventListener("pagehide", noteScroll);
  addEventListener("popstate", (event) => {
    // A step within one page, to an anchor, is the browser's.
    if (location.pathname !== place.path) go((event.state as Place | null)?.scroll ?? 0);
  });
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.("a");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || event.defaultPrevented || link.target || link.origin !== location.origin) return;
    if (link.hash && link.pathname === location.pathname) return;
    if (link.pathname !== "/" && !link.pathname.startsWith("/posts/")) return;
    event.preventDefault();
    navigate(link.pathname + link.search + link.hash);
  });
}

export function useLocation(): Place {
  const [, changed] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const listener = () => changed(undefined as never);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return place;
}

/**
 * Once the page has its content, puts the reader back where they were, or at the anchor of the address. `seek` may bring
 * an anchor that is not on the page yet, and says whether it is worth looking again.
 */
export function useReturn(ready: boolean, seek?: (anchor: string) => Promise<boolean>): void {
  useEffect(() => {
    if (!ready) return;
    const { scroll } = place;
    const anchor = decodeURIComponent(location.hash.slice(1));
    place.scroll = null;
    if (scroll !== null) scrollTo(0, scroll);
    else if (anchor) void show(anchor, seek);
  }, [ready]);
}

async function show(anchor: string, seek?: (anchor: string) => Promise<boolean>): Promise<void> {
  const { path } = place;
  while (!document.getElementById(anchor)) {
    if (!(await seek?.(anchor)) || place.path !== path) return;
    await new Promise(requestAnimationFrame);
  }
  const found = document.getElementById(anchor)!;
  found.scrollIntoView();
  found.focus({ preventScroll: true });
}

/** Names the page, for the window and for those who hear it. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    if (title) document.title = title;
  }, [title]);
}
