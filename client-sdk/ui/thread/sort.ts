import type { CommentSort } from "../../src/index.js";

const NAME = "belfry.sort";

/** The order that was last chosen in this browser. */
export function keptSort(): CommentSort {
  try {
    const kept = localStorage.getItem(NAME);
    return kept === "newest" || kept === "top" ? kept : "oldest";
  } catch {
    return "oldest";
  }
}

export function keepSort(sort: CommentSort): void {
  try {
    localStorage.setItem(NAME, sort);
  } catch {
    // Then it lasts as long as the page.
  }
}
