/** As high as its text. Set from script: the page's policy allows no style attributes in its HTML. */
export function grow(box: HTMLTextAreaElement | null): void {
  if (!box || CSS.supports("field-sizing", "content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
}

/** Replaces a part of the text as if it had been typed, so that the browser's undo takes it back. */
export function insert(box: HTMLTextAreaElement, from: number, to: number, text: string): void {
  box.focus();
  box.setSelectionRange(from, to);
  // Deprecated, and still the only way that keeps the undo history.
  if (!document.execCommand?.("insertText", false, text)) {
    box.setRangeText(text, from, to, "end");
    box.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}

/** An address pasted over a selection makes a link of it. */
export function pasteLink(event: ClipboardEvent): void {
  const box = event.currentTarget as HTMLTextAreaElement;
  const { selectionEnd, selectionStart, value } = box;
  const pasted = event.clipboardData?.getData("text/plain").trim() ?? "";
  if (selectionStart === selectionEnd || !/^https?:\/\/\S+$/.test(pasted)) return;
  event.preventDefault();
  insert(box, selectionStart, selectionEnd, `[${value.slice(selectionStart, selectionEnd)}](${pasted})`);
}
