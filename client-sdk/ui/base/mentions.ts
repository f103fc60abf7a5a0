/** What names somebody: `@` and a handle, not in the middle of a word or an address. */
const MENTION = /(?<![\w@/.])@([a-z0-9_]{1,30})(?!\w)/gi;

/** A text in pieces; those that name somebody have a handle. */
export function splitMentions(text: string): { text: string; handle?: string }[] {
  const pieces: { text: string; handle?: string }[] = [];
  let from = 0;
  for (const { 0: whole, 1: handle, index } of text.matchAll(MENTION)) {
    if (index > from) pieces.push({ text: text.slice(from, index) });
    pieces.push({ text: whole, handle: handle!.toLowerCase() });
    from = index + whole.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

/** The class of a mention; one's own stands out. */
export const mentionClass = (handle: string, own: string | undefined): string =>
  handle === own ? "mention me" : "mention";

/** Marks the mentions in what the server rendered; in code and links an `@` means something else. */
export function markMentions(html: string, own: string | undefined): string {
  if (!html.includes("@")) return html;
  // Parsed apart from the page: nothing in it runs or loads.
  const { body } = new DOMParser().parseFromString(html, "text/html");
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  for (const node of texts) {
    if (node.parentElement!.closest("code, pre, a")) continue;
    const pieces = splitMentions(node.data);
    if (!pieces.some(({ handle }) => handle)) continue;
    node.replaceWith(
      ...pieces.map(({ handle, text }) => {
        if (!handle) return text;
        const span = document.createElement("span");
        span.className = mentionClass(handle, own);
        span.textContent = text;
        return span;
      }),
    );
  }
  return body.innerHTML;
}
