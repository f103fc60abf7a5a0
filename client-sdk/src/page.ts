import type { Off } from "./emitter.js";

/**
 * Signs of life from whoever looks at the page. `return`: it became visible, or the device is online again. `use`: a
 * key, a pointer or the focus.
 */
export type PageSign = "return" | "use";

/** Calls `tell` at each sign until the result is called. */
export type WatchPage = (tell: (sign: PageSign) => void) => Off;

/** Listens to the browser's window; where there is none, to nothing. */
export const watchBrowserPage: WatchPage = (tell) => {
  if (typeof document === "undefined") return () => {};
  const use = () => tell("use");
  const back = () => document.visibilityState === "visible" && tell("return");
  const controller = new AbortController();
  const options = { passive: true, signal: controller.signal };
  for (const name of ["focus", "pointerdown", "keydown"]) addEventListener(name, use, options);
  addEventListener("online", back, options);
  document.addEventListener("visibilitychange", back, options);
  return () => controller.abort();
};
