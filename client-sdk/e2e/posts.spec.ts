import { signInAgain, someone } from "./people.js";
import { comment, expect, signUp, test } from "./support.js";

test("posts are found by words and by tags, and the address says which", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  await ada.post("Bells of Vienna", "They ring at *noon*.", ["bells", "travel"]);
  await ada.post("Clocks of Prague", "They ring at noon, too.", ["clocks", "travel"]);
  await ada.post("Nothing to do with it", "Silence.");
  const page = await open();
  const titles = page.locator(".posts .title");
  await expect(titles).toHaveText(["Nothing to do with it", "Clocks of Prague", "Bells of Vienna"]);
  await page.getByRole("searchbox", { name: "Search posts" }).fill("NOON");
  await expect(titles).toHaveText(["Clocks of Prague", "Bells of Vienna"]);
  await expect(page).toHaveURL(/\?q=NOON$/);
  await page.getByRole("link", { name: "bells", exact: true }).click();
  await expect(page).toHaveURL(/\?tag=bells$/);
  await expect(titles).toHaveText(["Bells of Vienna"]);
  await page.goBack();
  await expect(titles).toHaveText(["Clocks of Prague", "Bells of Vienna"]);
  await expect(page.getByRole("searchbox", { name: "Search posts" })).toHaveValue("NOON");
  await page.reload();
  await expect(titles).toHaveText(["Clocks of Prague", "Bells of Vienna"]);
  await page.getByRole("searchbox", { name: "Search posts" }).fill("gong");
  await expect(page.getByText("Nothing found.")).toBeVisible();
  await page.getByRole("link", { name: "Show all posts" }).click();
  await expect(titles).toHaveCount(3);
  await page.getByRole("link", { name: "travel" }).first().click();
  await expect(titles).toHaveText(["Clocks of Prague", "Bells of Vienna"]);
  await page.getByRole("link", { name: "Show posts of all tags" }).click();
  await expect(titles).toHaveCount(3);
});

test("a post is written with tags, and lost neither by a reload nor by signing in", async ({ open }) => {
  const page = await open();
  await page.getByRole("button", { name: "Write a post" }).click();
  await page.getByLabel("Title").fill("Tagged");
  await page.getByLabel("Text", { exact: true }).fill("with care");
  await page.getByRole("textbox", { name: "Tags" }).fill("Two Words");
  await page.getByRole("textbox", { name: "Tags" }).press("Enter");
  await page.getByRole("textbox", { name: "Tags" }).fill("more,");
  await page.reload();
  await expect(page.getByRole("button", { name: "Remove the tag two words" })).toBeVisible();
  await page.getByRole("button", { name: "Remove the tag more" }).click();
  await signUp(page, "Ada");
  await page.getByRole("button", { name: "Publish" }).click();
  await expect(page.getByRole("heading", { name: "Tagged", level: 1 })).toBeVisible();
  await page.getByRole("link", { name: "two words" }).click();
  await expect(page.getByRole("link", { name: "Tagged" })).toBeVisible();
});

test("its author changes and deletes a post; others do not see how", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const { id, path } = await ada.post("Befor", "typo", ["old"]);
  await ada.comment(id, "A comment to keep.");
  const author = await open(path, { as: ada });
  const reader = await open(path, { as: await someone(server, "Bob") });
  await expect(comment(reader, "A comment to keep.")).toBeVisible();
  await expect(reader.getByRole("button", { name: "Edit the post" })).toHaveCount(0);
  await expect(reader.getByRole("button", { name: "Delete the post" })).toHaveCount(0);

  await author.getByRole("button", { name: "Edit the post" }).click();
  await author.getByLabel("Title").fill("Before");
  await author.getByLabel("Text", { exact: true }).fill("no *typo*");
  await author.getByRole("button", { name: "Remove the tag old" }).click();
  await author.getByRole("button", { name: "Save" }).click();
  await expect(author.getByRole("heading", { name: "Before" })).toBeVisible();
  await expect(reader.getByRole("heading", { name: "Before" })).toBeVisible();
  await expect(reader.locator(".post em")).toHaveText("typo");
  await expect(reader.locator(".tag")).toHaveCount(0);

  await reader.getByLabel("Write a comment").fill("half a thought");
  await author.getByRole("button", { name: "Delete the post" }).click();
  await expect(author.getByRole("button", { name: "Keep" })).toBeFocused();
  await author.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(author.getByText("No posts yet.")).toBeVisible();
  // Who reads it keeps what is on screen, and is told.
  await expect(reader.getByText("This thread is closed: its post was deleted.")).toBeVisible();
  await expect(comment(reader, "A comment to keep.")).toBeVisible();
  await expect(reader.getByLabel("Write a comment")).toHaveCount(0);
  await expect(reader.getByLabel("What you were writing")).toHaveValue("half a thought");
  await reader.reload();
  await expect(reader.getByRole("heading", { name: "Nothing here" })).toBeVisible();
});

test("a moderator changes and deletes what others wrote", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  await someone(server, "Mo");
  await server.run("role", "mo", "moderator");
  const { id, path } = await ada.post("Rude", "words");
  await ada.comment(id, "Ruder words.");
  const page = await open(path);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByLabel("Email").fill("mo@example.org");
  await page.getByLabel("Password").fill("a long enough password");
  await page.locator("form.panel").getByRole("button", { name: "Sign in" }).click();
  await comment(page, "Ruder words.").getByRole("button", { name: "Delete the comment of Ada" }).click();
  await expect(comment(page, "Ruder words.").getByRole("button", { name: /^Edit/ })).toHaveCount(0);
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText("This comment was deleted.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Undo" })).toHaveCount(0);
  await page.getByRole("button", { name: "Edit the post" }).click();
  await page.getByLabel("Title").fill("Polite");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { name: "Polite" })).toBeVisible();
});

test("the theme is chosen, kept, and given back to the system", async ({ open }) => {
  const page = await open("/", { colorScheme: "dark" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.getByRole("button", { name: "Theme: system. Change to light." }).click();
  expect(await ground()).not.toBe(dark);
  const light = await ground();
  await page.reload();
  expect(await ground()).toBe(light);
  await page.getByRole("button", { name: "Theme: light. Change to dark." }).click();
  expect(await ground()).toBe(dark);
  await page.getByRole("button", { name: "Theme: dark. Change to system." }).click();
  await page.emulateMedia({ colorScheme: "light" });
  expect(await ground()).toBe(light);
});

test("who is banned is told so, reads on, and keeps what they typed", async ({ open, server }) => {
  const ada = await someone(server, "Ada");
  const { id, path } = await ada.post("House rules", "Be kind.");
  await ada.comment(id, "Please.");
  const bob = await someone(server, "Bob");
  const page = await open(path, { as: bob });
  await page.getByLabel("Write a comment").fill("something unkind");
  await someone(server, "Mo");
  await server.run("role", "mo", "moderator");
  await (await signInAgain(server, "Mo")).call("PUT", `/users/${bob.id}/ban`, { reason: "unkind" });
  await expect(page.getByText("Your account is suspended.")).toBeVisible();
  await expect(comment(page, "Please.")).toBeVisible();
  await expect(page.getByLabel("Write a comment")).toHaveValue("something unkind");
  await page.getByRole("button", { name: "Sign in to comment" }).click();
  await page.getByLabel("Email").fill("bob@example.org");
  await page.getByLabel("Password").fill("a long enough password");
  await page.locator("form.panel").getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("This account is suspended.")).toBeVisible();
});
