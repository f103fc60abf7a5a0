import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import type { ServerProcess } from "../test/support/server-process.js";
import { someone, type Someone } from "./people.js";
import {
  bell,
  comment,
  expect,
  isSignedIn,
  reads,
  say,
  shot,
  signOut,
  signUp,
  stored,
  test,
  unread,
  writePost,
} from "./support.js";

/** A thread with everything in it that a page of this kind shows, by somebody who is returned, and where it is. */
async function lively(server: ServerProcess): Promise<{ ada: Someone; id: number; path: string }> {
  const ada = await someone(server, "Ada Lovelace");
  const { id, path } = await ada.post(
    "What should the bell say?",
    "A *few* words, a `tag`, and a list:\n\n- one\n- two\n\n> quoted",
    ["bells", "words"],
  );
  const first = await ada.comment(id, "It should be short.");
  let last = first;
  let third = 0;
  for (const text of ["Two words.", "Three.", "Four of them.", "Five deep.", "Six deep.", "Seven deep."]) {
    last = await ada.comment(id, text, last);
    if (text === "Three.") third = last;
  }
  await ada.call("DELETE", `/comments/${third}`);
  await ada.comment(id, "averyveryverylongwordwithoutanyspaces".repeat(6));
  for (const emoji of ["👍", "🎉", "❤️", "😂"]) await ada.react(first, emoji);
  return { ada, id, path };
}

/** All of it, with the branches that a page does not load at first. */
async function unfolded(page: Page): Promise<void> {
  const more = page.locator(".branch .more button");
  await expect(comment(page, "Two words.")).toBeVisible();
  await expect(async () => {
    for (const button of await more.all()) await button.click({ timeout: 1_000 });
    await expect(comment(page, "Seven deep.")).toBeVisible({ timeout: 250 });
  }).toPass({ intervals: [100] });
}

const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

test("a phone of 320 px shows everything without scrolling sideways", async ({ open, server }) => {
  const phone = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };
  const { ada, path } = await lively(server);
  const guest = await open("/", phone);
  await guest.getByRole("button", { name: "Sign in", exact: true }).click();
  await guest.getByRole("button", { name: "I am new here" }).click();
  await shot(guest, "phone-sign-up");
  expect(await overflow(guest)).toBe(0);
  const page = await open(path, { ...phone, as: ada });
  await unfolded(page);
  expect(await overflow(page)).toBe(0);
  await expect(page.getByText(/^in reply to/).first()).toBeVisible();
  for (const button of await page.locator("article.comment button, header.top button").all()) {
    expect((await button.boundingBox())!.height).toBeGreaterThanOrEqual(44);
  }
  // The picker is a sheet at the lower edge, the inbox hangs below the header: both within the window.
  await comment(page, "Two words.").getByRole("button", { name: "React to Ada Lovelace" }).click();
  await expect(page.getByRole("button", { name: /^grinning/ }).first()).toBeInViewport();
  expect(await overflow(page)).toBe(0);
  await shot(page, "phone-picker", false);
  await page.keyboard.press("Escape");
  await bell(page).click();
  await expect(page.getByText("Nothing yet.")).toBeInViewport();
  expect(await overflow(page)).toBe(0);
  await page.keyboard.press("Escape");
  await shot(page, "phone-thread");
  await page.goto(new URL("/", page.url()).href);
  await expect(page.getByRole("link", { name: "What should the bell say?" })).toBeVisible();
  expect(await overflow(page)).toBe(0);
  await shot(page, "phone-posts");
});

test("right to left, it is mirrored and nothing sticks out", async ({ open, server }) => {
  const { ada, path } = await lively(server);
  const page = await open(path, { as: ada });
  await unfolded(page);
  await page.evaluate(() => (document.documentElement.dir = "rtl"));
  expect(await overflow(page)).toBe(0);
  const { x } = (await page.getByRole("heading", { name: "Comments" }).boundingBox())!;
  expect(x).toBeGreaterThan(page.viewportSize()!.width / 2);
  await shot(page, "thread-rtl");
});

test("everything can be done with the keyboard alone", async ({ open }) => {
  const page = await open();
  const { keyboard } = page;
  /** Goes on with Tab until something of this name has the focus. */
  const tabTo = async (name: RegExp) => {
    for (let presses = 0; presses < 60; presses++) {
      await keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const { labels, textContent, ariaLabel } = document.activeElement as HTMLInputElement;
        return ariaLabel ?? labels?.[0]?.textContent ?? textContent ?? "";
      });
      if (name.test(focused)) return;
    }
    throw new Error(`Nothing named ${name} can be reached.`);
  };

  await expect(page.getByRole("button", { name: "Sign in", exact: true })).toBeEnabled();
  await tabTo(/^Sign in$/);
  await keyboard.press("Enter");
  await expect(page.getByLabel("Email")).toBeFocused();
  await tabTo(/^I am new here$/);
  await keyboard.press("Enter");
  await expect(page.getByLabel("Name", { exact: true })).toBeFocused();
  await keyboard.type("Kay");
  await keyboard.press("Tab");
  await keyboard.type("kay@example.org");
  await keyboard.press("Tab");
  await keyboard.type("a long enough password");
  await keyboard.press("Enter");
  await isSignedIn(page);

  await tabTo(/^Write a post$/);
  await keyboard.press("Enter");
  await expect(page.getByLabel("Title")).toBeFocused();
  await keyboard.type("By keys");
  await tabTo(/^Text$/);
  await keyboard.type("Look, no hands.");
  await keyboard.press("Control+Enter");
  await expect(page.getByRole("heading", { name: "By keys" })).toBeVisible();

  await tabTo(/^Write a comment$/);
  await keyboard.type("A comment");
  await keyboard.press("Control+Enter");
  await stored(page, "A comment");
  await page.getByRole("main").focus();
  await tabTo(/^Reply to Kay$/);
  await keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "Reply to Kay" })).toBeFocused();
  await keyboard.type("A reply");
  await keyboard.press("Escape");
  await expect(comment(page, "A comment").getByRole("button", { name: "Reply to Kay" })).toBeFocused();
  await keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "Reply to Kay" })).toHaveValue("A reply");
  await keyboard.press("Control+Enter");
  await stored(page, "A reply");
  await tabTo(/^Edit your comment$/);
  await keyboard.press("Enter");
  await expect(page.getByLabel("Edit your comment")).toBeFocused();
  await keyboard.type(", edited");
  await keyboard.press("Control+Enter");
  await expect(comment(page, "A comment, edited")).toBeFocused();
  await tabTo(/^Hide the replies to Kay$/);
  await keyboard.press("Enter");
  await expect(comment(page, "A reply")).toHaveCount(0);
  await keyboard.press("Enter");
  await stored(page, "A reply");
  await page.getByRole("main").focus();
  await tabTo(/^Delete your comment$/);
  await keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Keep" })).toBeFocused();
  await keyboard.press("Shift+Tab");
  await keyboard.press("Enter");
  await reads(page, ["This comment was deleted.", "A reply"]);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`no serious accessibility fault, ${colorScheme}`, async ({ open, server }) => {
    test.slow();
    /** Of the whole page, or of what has just opened. */
    const check = async (page: Page, name: string, part?: string) => {
      await shot(page, `${name}-${colorScheme}`, !part);
      let axe = new AxeBuilder({ page }).options({ resultTypes: ["violations"] });
      // One group of emoji stands for all.
      if (part) axe = axe.include(part).exclude(".picker .all > div + div");
      const { violations } = await axe.analyze();
      const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      expect(
        bad.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
        name,
      ).toEqual([]);
    };
    const guest = await open("/", { colorScheme });
    await guest.getByRole("button", { name: "Sign in", exact: true }).click();
    await check(guest, "sign-in", "form.panel");

    const { ada, id, path } = await lively(server);
    const bob = await someone(server, "Bob");
    const page = await open(path, { colorScheme, as: ada });
    await unfolded(page);
    await bob.comment(id, "Hello from elsewhere.");
    await expect(page.getByRole("button", { name: "1 new comment", exact: true })).toBeVisible();
    await comment(page, "It should be short.").getByRole("button", { name: "Edit" }).click();
    await comment(page, "Two words.")
      .getByRole("button", { name: /^Reply/ })
      .click();
    await expect(page.getByRole("textbox", { name: "Reply to Ada Lovelace" })).toBeFocused();
    await check(page, "thread");

    await page.keyboard.press("Escape");
    await unread(page, 1);
    await bell(page).click();
    await expect(page.getByRole("dialog", { name: "Notifications" }).getByRole("link")).toHaveCount(1);
    await check(page, "inbox", ".popover");
    await page.keyboard.press("Escape");
    await comment(page, "Two words.").getByRole("button", { name: "React to Ada Lovelace" }).click();
    await expect(page.getByRole("button", { name: /^grinning/ }).first()).toBeVisible();
    await check(page, "picker", ".popover");
    await page.keyboard.press("Escape");
    await page.getByLabel("Write a comment").fill("With **care**.");
    await page.getByRole("tab", { name: "Preview" }).last().click();
    await expect(page.locator(".preview strong")).toBeVisible();
    await check(page, "preview", ".thread > .composer");
    await page.getByRole("tab", { name: "Write" }).last().click();

    await server.kill();
    await page.getByLabel("Write a comment").fill("While you were away");
    await page.getByRole("button", { name: "Comment", exact: true }).click();
    await expect(page.getByText("Reconnecting…")).toBeVisible();
    await check(page, "away", ".connection");
    await server.start();
    await stored(page, "While you were away");
    await page.getByRole("link", { name: "Belfry" }).click();
    await page.getByRole("button", { name: "Write a post" }).click();
    await check(page, "posts");
  });
}

test("signed out elsewhere, the page reads on and asks to sign in again", async ({ open, server }) => {
  const page = await open();
  await signUp(page, "Ada");
  const path = await writePost(page, "Two windows", "one person");
  await say(page, "here");
  await page.getByLabel("Write a comment").fill("unsent");
  const other = await page.context().newPage();
  await other.goto(server.url);
  await signOut(other);
  await page.bringToFront();
  await expect(page.getByRole("button", { name: "Sign in", exact: true })).toBeVisible();
  await expect(page.getByLabel("Write a comment")).toHaveValue("unsent");
  const bob = await open(path);
  await signUp(bob, "Bob");
  await say(bob, "there");
  await reads(page, ["here", "there"]);
});

test("a reload keeps one signed in; back and forward keep the place", async ({ open }) => {
  const page = await open("/", { viewport: { width: 800, height: 400 } });
  await signUp(page, "Ada");
  for (let n = 1; n <= 8; n++) {
    await writePost(page, `Post ${n}`, "text");
    await page.getByRole("link", { name: "Belfry" }).click();
    await expect(page.getByRole("link", { name: `Post ${n}` })).toBeVisible();
  }
  await page.reload();
  await isSignedIn(page);
  await page.getByRole("link", { name: "Post 2" }).scrollIntoViewIfNeeded();
  const scroll = await page.evaluate(() => scrollY);
  expect(scroll).toBeGreaterThan(0);
  await page.getByRole("link", { name: "Post 2" }).click();
  await expect(page.getByRole("heading", { name: "Post 2" })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("link", { name: "Post 2" })).toBeInViewport();
  expect(await page.evaluate(() => scrollY)).toBe(scroll);
});

test("what is wrong with a sign-up is said at its field, and nothing typed is lost", async ({ open }) => {
  const page = await open();
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "I am new here" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Ada");
  await page.getByLabel("Email").fill("ada@example.org");
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByLabel("Password")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Password")).toHaveAccessibleDescription(/\S/);
  await expect(page.getByLabel("Email")).toHaveValue("ada@example.org");
  await shot(page, "sign-up-problem");
});

test("a page that is opened or left offline comes to life by itself", async ({ open, server }) => {
  const page = await open();
  await signUp(page, "Ada");
  const path = await writePost(page, "Underground", "no signal");
  await server.kill();
  await page.context().setOffline(true);
  await expect(page.getByText("You are offline. What you write is kept and sent later.")).toBeVisible();
  await shot(page, "offline");
  await page.getByLabel("Write a comment").fill("from below");
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await page.getByRole("link", { name: "Belfry" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "The server cannot be reached." })).toBeVisible();
  await shot(page, "posts-failed");
  await server.start();
  await page.context().setOffline(false);
  await page.getByRole("link", { name: "Underground" }).click();
  await expect(page).toHaveURL(server.url + path);
  await stored(page, "from below");
});

test("what does not exist says so", async ({ open }) => {
  const page = await open("/posts/4711");
  await expect(page.getByRole("heading", { name: "Nothing here" })).toBeVisible();
});

test.describe("with the usual rates", () => {
  test.use({ serverEnv: { BELFRY_RATE_LIMITS: "on" } });

  test("who is too fast is told how long to wait, and keeps the text", async ({ open }) => {
    const page = await open();
    await signUp(page, "Ada");
    await writePost(page, "Hurry", "up");
    for (let n = 1; n <= 10; n++) await say(page, `quick ${n}`);
    await page.getByLabel("Write a comment").fill("too quick");
    await page.getByRole("button", { name: "Comment", exact: true }).click();
    const failed = comment(page, "too quick");
    await expect(failed).toHaveClass(/failed/);
    await expect(failed.getByText(/You can send it again in \d+ s/)).toBeVisible();
    await expect(failed.getByRole("button", { name: "Retry" })).toBeDisabled();
    await shot(page, "rate-limited");
    await failed.getByRole("button", { name: "Back to the text box" }).click();
    await expect(page.getByLabel("Write a comment")).toHaveValue("too quick");
  });
});
