// Entry point "./thread": apart from the core, so that a page which only listens does not load it.
export { LiveThread, openThread } from "./live-thread.js";
export type { LiveThreadOptions, ThreadStatus } from "./live-thread.js";
export { ThreadStore } from "./thread-store.js";
export type { CommentPage, Draft, Reread, ThreadStoreOptions } from "./thread-entry.js";
export type { Toggle } from "./thread-reactions.js";
export type { ThreadNode, ThreadView } from "./thread-view.js";
