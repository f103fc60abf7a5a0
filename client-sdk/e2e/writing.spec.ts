import { someone } from "./people.js";
import { comment, expect, reads, test } from "./support.js";

test("the preview shows what the server will, and never runs anything", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const { path } = await ada.post("Preview", "first");
  const page = await open(path, { as: ada });
  const box = page.getByLabel("Write a comment");
  const text = [
    "Some **bold**, *soft*, ~~gone~~ and `code` of @ada & <b>no html</b><img src=x onerror=alert(1)>",
    "# Heading",
    "1. one\n2. two\n   - inner",
    "> quoted\n> twice",
    "```\nlet x = 1 < 2;\n```",
    "[safe](https://example.org) [not](javascript:alert(1)) https://example.com",
    "| a | b |\n|---|---|\n| 1 | `2` |",
    "line\nbreak",
  ].join("\n\n");
  await box.fill(text);
  await page.getByRole("tab", { name: "Preview" }).click();
  const preview = page.getByRole("tabpanel", { name: "Preview" }).locator(".text");
  await expect(preview.locator("strong")).toHaveText("bold");
  await expect(preview.locator("img, b, script")).toHaveCount(0);
  await expect(preview.locator(".mention.me")).toHaveText("@ada");
  await expect(preview.locator('a[href^="javascript"]')).toHaveCount(0);
  // But for the marks of mentions, attributes that are not seen, and links that lead nowhere.
  const shape = (html: string) =>
    html
      .replace(/<span class="mention[^>]*>(.*?)<\/span>/g, "$1")
      .replace(/ (rel|title|dir|class|start|align|data-[\w-]+)="[^"]*"/g, "")
      .replace(/<a>(.*?)<\/a>/g, "$1")
      .replace(/\s+/g, "");
  const previewed = shape(await preview.innerHTML());
  await page.getByRole("tab", { name: "Write" }).click();
  await expect(box).toHaveValue(text);
  await box.press("Control+Enter");
  const rendered = page.locator("article.comment:not(.pending) .text");
  await expect(rendered.locator("strong")).toHaveText("bold");
  expect(shape(await rendered.innerHTML())).toBe(previewed);
});

test("an address pasted over a selection makes a link, and can be undone", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const { path } = await ada.post("Links", "here");
  const page = await open(path, { as: ada });
  const box = page.getByLabel("Write a comment");
  await box.fill("see the bells of Vienna");
  await box.evaluate((box: HTMLTextAreaElement) => {
    box.focus();
    box.setSelectionRange(8, 13);
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", "https://example.org/bells");
    box.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true, bubbles: true }));
  });
  await expect(box).toHaveValue("see the [bells](https://example.org/bells) of Vienna");
  await box.press("Control+z");
  await expect(box).toHaveValue("see the bells of Vienna");
});

test("what is left is told only near the end, and too much is not sent", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const { path } = await ada.post("Long", "texts");
  const page = await open(path, { as: ada });
  const box = page.getByLabel("Write a comment");
  const send = page.getByRole("button", { name: "Comment", exact: true });
  await box.fill("a".repeat(9_500));
  await expect(page.getByText("characters left")).toHaveCount(0);
  await box.fill("a".repeat(9_999));
  await expect(page.getByText("1 characters left")).toHaveCount(0);
  await expect(page.getByText("1 character left")).toBeVisible();
  await expect(send).toBeEnabled();
  await box.fill("🔔".repeat(10_001));
  await expect(page.getByText("1 character too many")).toBeVisible();
  await expect(send).toBeDisabled();
});

test("people of the thread are offered, and Esc leaves the list before the box", async ({ open, server }) => {
  const ada = await someone(server, "Ada Lovelace");
  const { id, path } = await ada.post("People", "here");
  const grace = await someone(server, "Grace Hopper");
  await grace.comment(id, "I am here.");
  await (await someone(server, "Grace Kelly")).comment(id, "So am I.");
  const page = await open(path, { as: await someone(server, "Bob") });
  const box = page.getByLabel("Write a comment");
  const people = page.getByRole("listbox", { name: "People in this thread" });
  await box.pressSequentially("Dear @gra");
  await expect(people.getByRole("option")).toHaveCount(2);
  await expect(box).toHaveAttribute("aria-expanded", "true");
  const second = people.getByRole("option").nth(1);
  await box.press("ArrowDown");
  await expect(second).toHaveAttribute("aria-selected", "true");
  await expect(box).toHaveAttribute("aria-activedescendant", (await second.getAttribute("id"))!);
  await box.press("Escape");
  await expect(people).toHaveCount(0);
  await expect(box).toBeFocused();
  await box.press("Escape");
  await expect(box).not.toBeFocused();
  await expect(box).toHaveValue("Dear @gra");
  await box.fill("");
  await box.pressSequentially("Mail me at bob@gr");
  await expect(people).toHaveCount(0);
  await box.fill("");
  await box.pressSequentially("@lovelace");
  await people.getByRole("option", { name: /Ada Lovelace/ }).click();
  await expect(box).toHaveValue("@ada_lovelace ");
});

test("a deletion can be taken back for a moment; who leaves the page has decided", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const { id, path } = await ada.post("Second thoughts", "are better");
  await ada.comment(id, "Keep me.");
  await ada.comment(id, "Not me.");
  const page = await open(path, { as: ada });
  const remove = async (text: string) => {
    await comment(page, text).getByRole("button", { name: "Delete your comment" }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
  };
  await remove("Keep me.");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(comment(page, "Keep me.")).toBeFocused();
  await remove("Not me.");
  await page.getByRole("link", { name: "Belfry" }).click();
  await page.getByRole("link", { name: "Second thoughts" }).click();
  await reads(page, ["Keep me.", "This comment was deleted."]);
});

test("a reply that is deleted while it is answered keeps what was written", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const bob = await someone(server, "Bob");
  const { id, path } = await ada.post("Gone", "with the wind");
  const said = await ada.comment(id, "Never mind.");
  const page = await open(path, { as: bob });
  await comment(page, "Never mind.").getByRole("button", { name: "Reply to Ada" }).click();
  await page.getByRole("textbox", { name: "Reply to Ada" }).fill("I do mind.");
  await ada.call("DELETE", `/comments/${said}`);
  await expect(page.getByText("This comment was deleted.")).toBeVisible();
  const box = page.getByRole("textbox", { name: "Reply to a deleted comment" });
  await expect(box).toHaveValue("I do mind.");
  await box.press("Control+Enter");
  const failed = page.locator("article.failed", { hasText: "I do mind." });
  await expect(failed.getByText("This was changed or deleted in the meantime.")).toBeVisible();
  await failed.getByRole("button", { name: "Back to the text box" }).click();
  await expect(box).toHaveValue("I do mind.");
});
