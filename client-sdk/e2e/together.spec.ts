import type { Page } from "@playwright/test";
import type { ServerProcess } from "../test/support/server-process.js";
import { someone, type Someone } from "./people.js";
import { bell, chip, comment, expect, reads, shot, stored, test, unread } from "./support.js";

const here = (page: Page, count: number) =>
  expect(page.getByRole("button", { name: `${count} ${count === 1 ? "person" : "people"} here` })).toBeVisible();

test("two people react, mention, and see each other; the author's bell rings on three tabs", async ({
  open,
  server,
}) => {
  const ada = await someone(server, "Ada Lovelace");
  const bob = await someone(server, "Bob");
  const { id, path } = await ada.post("Bells", "How loud may they be?");
  await ada.comment(id, "Not before eight.");
  const first = await open(path, { as: ada });
  const tabs = [first, await first.context().newPage(), await first.context().newPage()];
  await tabs[1]!.goto(server.url + path);
  await tabs[2]!.goto(server.url);
  const other = await open(path, { as: bob });

  // One person with two tabs in the thread is one.
  await here(first, 2);
  await here(other, 2);
  await other.getByRole("button", { name: "2 people here" }).click();
  await expect(other.getByRole("dialog", { name: "Who is here" })).toContainText("@ada_lovelace");
  await other.keyboard.press("Escape");

  // A reaction, from the picker, and back.
  const theirs = comment(other, "Not before eight.");
  await theirs.getByRole("button", { name: "React to Ada Lovelace" }).click();
  await other.getByRole("button", { name: "🎉" }).click();
  await expect(chip(theirs, "🎉")).toHaveAttribute("aria-pressed", "true");
  const mine = comment(first, "Not before eight.");
  await expect(chip(mine, "🎉")).toHaveAccessibleName("🎉 1");
  await expect(chip(mine, "🎉")).toHaveAttribute("aria-pressed", "false");
  await chip(mine, "🎉").click();
  await expect(chip(theirs, "🎉")).toHaveAccessibleName("🎉 2");
  for (const tab of tabs) await unread(tab, 1);

  // Who writes is seen; whom one writes to is found.
  const box = other.getByLabel("Write a comment");
  await box.pressSequentially("Nine, @ad");
  await expect(first.getByText("Bob is writing…")).toBeVisible();
  await expect(other.getByRole("option", { name: /Ada Lovelace/ })).toHaveAttribute("aria-selected", "true");
  await box.press("Enter");
  await expect(box).toHaveValue("Nine, @ada_lovelace ");
  await box.pressSequentially("please.");
  await box.press("Control+Enter");
  for (const tab of tabs) await unread(tab, 2);

  // Going to it reads it, everywhere.
  await bell(first).click();
  const rows = first.getByRole("dialog", { name: "Notifications" }).getByRole("link");
  await expect(rows).toHaveText([/^.*Bob mentioned you, unread/, /^.*Bob reacted to your comment, unread/]);
  await shot(first, "inbox-open");
  await rows.first().click();
  await expect(comment(first, "Nine, @ada_lovelace please.")).toBeFocused();
  await expect(comment(first, "Nine, @ada_lovelace please.").locator(".mention.me")).toHaveText("@ada_lovelace");
  for (const tab of tabs) await unread(tab, 1);
  await bell(tabs[2]!).click();
  await tabs[2]!.getByRole("button", { name: "Mark all as read" }).click();
  for (const tab of tabs) await unread(tab, 0);

  // All of it is kept, over a reload and the death of the server.
  await server.kill("SIGKILL");
  await server.start();
  await other.context().close();
  await first.reload();
  await reads(first, ["Not before eight.", "Nine, @ada_lovelace please."]);
  await expect(chip(mine, "🎉")).toHaveAccessibleName("🎉 2");
  await expect(chip(mine, "🎉")).toHaveAttribute("aria-pressed", "true");
  await here(first, 1);
  await bell(first).click();
  await expect(rows).toHaveCount(2);
  await unread(first, 0);
});

test("a reaction is one's own at once, and taken back with a second click", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const { id, path } = await ada.post("Bells", "ring");
  const said = await ada.comment(id, "Softly.");
  await ada.react(said, "👍");
  const page = await open(path, { as: await someone(server, "Bob") });
  const softly = comment(page, "Softly.");
  await chip(softly, "👍").click();
  await expect(chip(softly, "👍")).toHaveAttribute("aria-pressed", "true");
  await expect(chip(softly, "👍")).toHaveAccessibleName("👍 2");
  await chip(softly, "👍").click();
  await expect(chip(softly, "👍")).toHaveAttribute("aria-pressed", "false");
  await expect(chip(softly, "👍")).toHaveAccessibleName("👍 1");
  await softly.getByRole("button", { name: "React to Ada" }).click();
  await page.getByRole("searchbox", { name: "Search emoji" }).fill("octo");
  await page.getByRole("button", { name: "octopus" }).click();
  await expect(chip(softly, "🐙")).toHaveAccessibleName("🐙 1");
  await page.reload();
  await expect(chip(softly, "🐙")).toHaveAttribute("aria-pressed", "true");
});

test("who reacts without an account signs in where they stand", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const { id, path } = await ada.post("Bells", "ring");
  await ada.react(await ada.comment(id, "Softly."), "👍");
  const page = await open(path);
  await chip(comment(page, "Softly."), "👍").click();
  await expect(comment(page, "Softly.").getByRole("heading", { name: "Sign in" })).toBeVisible();
});

test("a toast tells of what is not on screen, and leads there", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const bob = await someone(server, "Bob");
  const { id, path } = await ada.post("Bells", "ring");
  const page = await open("/", { as: ada });
  await expect(page.getByRole("link", { name: "Bells" })).toBeVisible();
  await unread(page, 0);
  await bob.comment(id, "Louder!");
  const toast = page.getByRole("status").filter({ hasText: "Bob commented on your post" });
  await expect(toast).toBeVisible();
  await shot(page, "toast");
  await toast.getByRole("link").click();
  await expect(page).toHaveURL(new RegExp(`${path}#comment-\\d+$`));
  await expect(comment(page, "Louder!")).toBeFocused();
  await unread(page, 0);

  // What one looks at is told by the bell alone.
  await bell(page).click();
  await bob.comment(id, "Much louder!");
  await expect(page.getByRole("dialog", { name: "Notifications" }).getByRole("link")).toHaveCount(2);
  await expect(toast).toHaveCount(0);
});

test("a notification leads to its comment, however deep in a long thread", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const bob = await someone(server, "Bob");
  const { id } = await ada.post("Long", "thread");
  for (let n = 1; n <= 35; n++) await ada.comment(id, `root ${n}`);
  let last = await ada.comment(id, "root 36");
  for (let n = 1; n <= 5; n++) last = await ada.comment(id, `deep ${n}`, last);
  for (let n = 1; n <= 4; n++) await bob.comment(id, `answer ${n}`, last);
  const page = await open("/", { as: ada });
  await unread(page, 4);
  await bell(page).click();
  await page
    .getByRole("dialog", { name: "Notifications" })
    .getByRole("link", { name: /answer 4/ })
    .click();
  await expect(comment(page, "answer 4")).toBeFocused();
  await expect(comment(page, "answer 4")).toBeInViewport();
  await expect(comment(page, "deep 5")).toBeVisible();
  await unread(page, 3);
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Posts" })).toBeVisible();
  await page.goForward();
  await expect(comment(page, "answer 4")).toBeInViewport();
});

/** Sends notifications to somebody, as the back end of a site does. */
async function notifier(server: ServerProcess, { id }: Someone) {
  const key = await server.run("token", "--api-key", "shop", "--scope", "notify");
  return async (title: string, url?: string) => {
    const { status } = await fetch(`${server.url}/api/v1/notify`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
      body: JSON.stringify({ user_ids: [id], kind: "invoice", title, body: "12 bells, 340 €", url }),
    });
    expect(status).toBe(202);
  };
}

test("the bell counts to 99, and older notifications come page by page", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const notify = await notifier(server, ada);
  for (let n = 1; n <= 99; n++) await notify(`Notice ${n}`);
  const page = await open("/", { as: ada });
  await expect(bell(page)).toHaveText("99");
  await notify("Notice 100");
  await expect(bell(page)).toHaveText("99+");
  await unread(page, 100);
  await bell(page).click();
  const rows = page.getByRole("dialog", { name: "Notifications" }).getByRole("link");
  await expect(rows).toHaveCount(21);
  await page.getByRole("button", { name: "Load more" }).click();
  await expect(rows).toHaveCount(41);
  await expect(rows.nth(40)).toContainText("Notice 60");
  await page.getByRole("button", { name: "Mark all as read" }).click();
  await unread(page, 0);
});

test("what a site sends is shown in its words, leads where it says, and can be dismissed", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const notify = await notifier(server, ada);
  const page = await open("/", { as: ada });
  await unread(page, 0);
  await notify("Your invoice is ready", `${server.url}/?q=invoice`);
  await unread(page, 1);
  await notify("Nothing to see");
  await unread(page, 2);
  await bell(page).click();
  const inbox = page.getByRole("dialog", { name: "Notifications" });
  await expect(inbox.getByRole("link")).toHaveText([/Nothing to see.*12 bells/, /Your invoice is ready.*12 bells/]);
  await inbox.getByRole("listitem").first().hover();
  await inbox.getByRole("button", { name: "Dismiss" }).first().click();
  await expect(inbox.getByRole("link")).toHaveCount(1);
  await unread(page, 1);
  await inbox.getByRole("link", { name: /invoice/ }).click();
  await expect(page).toHaveURL(`${server.url}/?q=invoice`);
  await unread(page, 0);
});

test("with the keyboard alone: the picker, the people, the inbox", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const bob = await someone(server, "Bob");
  const { id, path } = await ada.post("By keys", "no hands");
  const said = await ada.comment(id, "First.");
  const page = await open(path, { as: ada });
  const { keyboard } = page;
  await comment(page, "First.").getByRole("button", { name: "React to Ada" }).focus();
  await keyboard.press("Enter");
  await expect(page.getByRole("searchbox", { name: "Search emoji" })).toBeFocused();
  await keyboard.type("rocket");
  await expect(page.getByRole("button", { name: /^rocket/ })).toBeVisible();
  await keyboard.press("ArrowDown");
  await expect(page.getByRole("button", { name: /^rocket/ })).toBeFocused();
  await keyboard.press("Enter");
  await expect(chip(comment(page, "First."), "🚀")).toHaveAttribute("aria-pressed", "true");
  await expect(comment(page, "First.").getByRole("button", { name: "React to Ada" })).toBeFocused();

  await bob.comment(id, "Second.", said);
  await bob.comment(id, "Third.", said);
  await unread(page, 2);
  await bell(page).focus();
  await keyboard.press("Enter");
  const rows = page.getByRole("dialog", { name: "Notifications" }).getByRole("link");
  await keyboard.press("ArrowDown");
  await expect(rows.nth(0)).toBeFocused();
  await keyboard.press("ArrowDown");
  await expect(rows.nth(1)).toBeFocused();
  await keyboard.press("ArrowUp");
  await keyboard.press("Delete");
  await expect(rows).toHaveCount(1);
  await expect(rows.first()).toBeFocused();
  await keyboard.press("Escape");
  await expect(bell(page)).toBeFocused();
  await keyboard.press("Enter");
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await expect(comment(page, "Second.")).toBeFocused();
  await unread(page, 0);
});

test("one's own comment comes at once where the newest are read first", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const bob = await someone(server, "Bob");
  const { id, path } = await ada.post("Order", "of things");
  const first = await ada.comment(id, "first");
  await ada.comment(id, "second");
  await ada.react(await ada.comment(id, "third"), "👍");
  await bob.react(first, "👍");
  await ada.react(first, "👍");
  const page = await open(path, { as: bob });
  await reads(page, ["first", "second", "third"]);
  await page.getByLabel("Order of comments").selectOption("Top first");
  await reads(page, ["first", "third", "second"]);
  await page.getByLabel("Order of comments").selectOption("Newest first");
  await reads(page, ["third", "second", "first"]);
  await page.getByLabel("Write a comment").fill("fourth");
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await stored(page, "fourth");
  await reads(page, ["fourth", "third", "second", "first"]);
  await page.reload();
  await reads(page, ["fourth", "third", "second", "first"]);
});
