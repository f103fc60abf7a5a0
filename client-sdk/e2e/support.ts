import { expect, test as base, type BrowserContextOptions, type Locator, type Page } from "@playwright/test";
import { credentials, type Someone } from "./people.js";
import { ServerProcess } from "../test/support/server-process.js";

interface Fixtures {
  /** Settings of the server; override with `test.use`. */
  serverEnv: Record<string, string>;
  server: ServerProcess;
  /** A page in a browser context of its own; signed in `as` somebody who has an account. */
  open(path?: string, options?: BrowserContextOptions & { as?: Someone }): Promise<Page>;
}

export const test = base.extend<Fixtures>({
  serverEnv: [{}, { option: true }],

  server: async ({ serverEnv }, use) => {
    const binary = process.env.BELFRY_BIN;
    if (!binary) throw new Error("Say in BELFRY_BIN which server to test with.");
    const server = new ServerProcess(binary, serverEnv);
    await server.start();
    await use(server);
    await server.remove();
  },

  open: async ({ browser, server }, use) => {
    const faults: string[] = [];
    const contexts: { close(): Promise<void> }[] = [];
    await use(async (path = "/", { as, ...options } = {}) => {
      const context = await browser.newContext(options);
      contexts.push(context);
      context.on("page", (page) => {
        page.on("pageerror", (error) => faults.push(String(error)));
        page.on("console", (message) => {
          if (message.text().includes("Content Security Policy")) faults.push(message.text());
        });
        page.on("dialog", (dialog) => faults.push(`a dialog: ${dialog.message()}`));
      });
      if (as) {
        const headers = { Origin: server.url };
        const data = credentials(as.name);
        const answer = await context.request.post(`${server.url}/api/v1/auth/login`, { headers, data });
        expect(answer.status()).toBe(200);
        // What the page notes for itself when somebody signs in.
        await context.addInitScript(() => location.protocol === "http:" && localStorage.setItem("belfry.session", "1"));
      }
      const page = await context.newPage();
      await page.goto(server.url + path);
      if (as) await isSignedIn(page);
      return page;
    });
    for (const context of contexts) await context.close();
    expect(faults, "errors, policy violations and dialogs on any page").toEqual([]);
  },
});

export { expect };

/** In the panel that is open. */
export async function fillSignUp(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "I am new here" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  const { email, password } = credentials(name);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
}

export async function signUp(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await fillSignUp(page, name);
  await isSignedIn(page);
}

export const isSignedIn = (page: Page): Promise<void> =>
  expect(page.getByRole("button", { name: /^Your account/ })).toBeVisible();

export async function signOut(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
}

export async function writePost(page: Page, title: string, text: string): Promise<string> {
  await page.getByRole("button", { name: "Write a post" }).click();
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Text", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Publish" }).click();
  await expect(page.getByRole("heading", { name: title, level: 1 })).toBeVisible();
  return new URL(page.url()).pathname;
}

/** The comments that are shown, tombstones included, in the order in which one reads. */
export const texts = (page: Page): Locator => page.locator("article.comment :is(.text, .tombstone)");

const exactly = (text: string) => new RegExp(`^\\s*${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\s*$`);

/** The comment that says this. */
export const comment = (page: Page, text: string): Locator =>
  page.locator("article.comment").filter({ has: page.locator(".text", { hasText: exactly(text) }) });

/** Writes at the end of the thread and waits until the server has it. */
export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Write a comment").fill(text);
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  await stored(page, text);
}

export async function reply(page: Page, to: string, text: string): Promise<void> {
  await comment(page, to)
    .getByRole("button", { name: /^Reply to/ })
    .click();
  await page.getByRole("textbox", { name: /^Reply to/ }).fill(text);
  await comment(page, to).getByRole("button", { name: "Reply", exact: true }).click();
  await stored(page, text);
}

export async function stored(page: Page, text: string): Promise<void> {
  await expect(comment(page, text)).toBeVisible();
  await expect(comment(page, text)).not.toHaveClass(/pending|failed/);
}

/** Shows whatever waits, as it comes in, until the texts are these. */
export async function reads(page: Page, expected: string[]): Promise<void> {
  await expect(async () => {
    for (const button of await page.locator("button.new, .branch .more button").all())
      await button.click({ timeout: 1_000 });
    await expect(texts(page)).toHaveText(expected, { timeout: 250 });
  }).toPass({ timeout: 30_000, intervals: [100] });
}

/** A picture to look at: of the whole page, or of what is in the window. */
export const shot = (page: Page, name: string, fullPage = true): Promise<unknown> =>
  page.screenshot({ path: `${import.meta.dirname}/../.e2e/${name}.png`, fullPage });

/** The bell, whatever it says. */
export const bell = (page: Page): Locator => page.getByRole("button", { name: /^Notifications/ });

/** Waits until the bell says so many. */
export const unread = (page: Page, count: number): Promise<void> =>
  expect(bell(page)).toHaveAccessibleName(count ? `Notifications, ${count} unread` : "Notifications");

/** The reaction to a comment, if there is one. */
export const chip = (comment: Locator, emoji: string): Locator =>
  comment.getByRole("button", { name: new RegExp(`^${emoji} \\d`) });
