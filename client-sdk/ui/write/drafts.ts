/** What was typed and not sent yet, kept over reloads. Where nothing may be stored, it is kept as long as the page is. */
const memory = new Map<string, string>();

const PREFIX = "belfry.draft.";

export const drafts = {
  get(name: string): string {
    try {
      return localStorage.getItem(PREFIX + name) ?? "";
    } catch {
      return memory.get(name) ?? "";
    }
  },

  /** An empty text is forgotten. */
  set(name: string, text: string): void {
    try {
      if (text) localStorage.setItem(PREFIX + name, text);
      else localStorage.removeItem(PREFIX + name);
    } catch {
      memory.set(name, text);
    }
  },
};
