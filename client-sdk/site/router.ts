import { useEffect, useReducer } from "preact/hooks";

interface Place {
  path: string;
  /** With its question mark, or empty. */
  query: string;
  /** Where the reader was, when they come back to a page. */
  scroll: number | null;
  /** The element that was at the top of the window then, and how far from it. */
  anchor: { id: string; top: number } | null;
}

const here = (state: Pick<Place, "scroll" | "anchor"> | null): Place => ({
  path: location.pathname,
  query: location.search,
  scroll: state?.scroll ?? null,
  anchor: state?.anchor ?? null,
});

let place: Place = here(null);
const listeners = new Set<() => void>();

/** After the last scrolling, in milliseconds; browsers limit how often the address may be noted upon. */
const SETTLED_MS = 150;
let settling: ReturnType<typeof setTimeout> | undefined;

const go = (next: Place): void => {
  clearTimeout(settling);
  place = next;
  for (const listener of [...listeners]) listener();
};

/** Goes to a page of this site. */
export function navigate(path: string): void {
  const before = place;
  noteScroll();
  history.pushState(null, "", path);
  if (location.pathname === before.path && location.search === before.query && location.hash) {
    return void seekAnchor();
  }
  go(here(null));
  if (!location.hash) scrollTo(0, 0);
  // What had the focus is gone: what comes next starts at the content.
  document.getElementById("main")?.focus({ preventScroll: true });
}

/** Another query of the same page, in place of this one: nothing scrolls and nothing loses the focus. */
export function refine(query: string): void {
  history.replaceState(history.state, "", location.pathname + query);
  go({ ...here(null), scroll: null });
}

const noteScroll = (): void => history.replaceState({ scroll: scrollY, anchor: topAnchor() }, "");

/** Pages that grow as one reads are found again by what was in sight, not by how long they were. */
function topAnchor(): Place["anchor"] {
  for (const one of document.querySelectorAll("article.comment[id]")) {
    const { bottom, top } = one.getBoundingClientRect();
    if (bottom > 0) return top < innerHeight ? { id: one.id, top } : null;
  }
  return null;
}

/** Takes over links within this site, and back and forward. */
export function startRouter(): void {
  history.scrollRestoration = "manual";
  place = here(history.state as Place | null);
  addEventListener("pagehide", noteScroll);
  // Going back or forward, there is no moment to note where one was.
  addEventListener(
    "scroll",
    () => {
      clearTimeout(settling);
      settling = setTimeout(noteScroll, SETTLED_MS);
    },
    { passive: true },
  );
  addEventListener("popstate", (event) => {
    const state = (event.state as Place | null) ?? { scroll: location.hash ? null : 0, anchor: null };
    if (location.pathname !== place.path || location.search !== place.query) go(here(state));
    else if (location.hash) void seekAnchor();
  });
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.("a");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || event.defaultPrevented || link.target || link.origin !== location.origin) return;
    if (link.getAttribute("href") === "#main") return;
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

/** Brings an element that is not on the page yet; false when there is no such thing. */
export type Seek = (id: string) => Promise<boolean>;

let seekOnPage: Seek | undefined;

/**
 * Once the page has its content, puts the reader back where they were, or at the anchor of the address. `seek` brings
 * what is not on the page yet; it serves later anchors of the same page, too.
 */
export function useReturn(ready: boolean, seek?: Seek): void {
  useEffect(() => {
    if (!ready) return;
    seekOnPage = seek;
    const { anchor, scroll } = place;
    place.scroll = null;
    if (scroll !== null) void comeBack(scroll, anchor);
    else if (location.hash) void seekAnchor();
    return () => {
      if (seekOnPage === seek) seekOnPage = undefined;
    };
  }, [ready]);
}

async function comeBack(scroll: number, anchor: Place["anchor"]): Promise<void> {
  scrollTo(0, scroll);
  const found = anchor && (await present(anchor.id));
  if (found) scrollBy(0, found.getBoundingClientRect().top - anchor.top);
}

let arrived: ((id: string) => void) | undefined;

/** Calls `listener` with each element that somebody came to by its address. */
export function onArrival(listener: (id: string) => void): void {
  arrived = listener;
}

async function seekAnchor(): Promise<void> {
  const found = await present(decodeURIComponent(location.hash.slice(1)));
  if (!found) return;
  found.scrollIntoView({ block: "start" });
  found.focus({ preventScroll: true });
  found.classList.remove("aim");
  requestAnimationFrame(() => found.classList.add("aim"));
  arrived?.(found.id);
}

async function present(id: string): Promise<HTMLElement | null> {
  const { path } = place;
  if (!id) return null;
  if (!document.getElementById(id)) {
    if (!(await seekOnPage?.(id)) || place.path !== path) return null;
    await new Promise(requestAnimationFrame);
  }
  return document.getElementById(id);
}

/** Names the page, for the window and for those who hear it. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    if (title) document.title = title;
  }, [title]);
}
