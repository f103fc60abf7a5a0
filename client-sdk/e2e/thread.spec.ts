import {
  comment,
  expect,
  fillSignUp,
  reads,
  reply,
  say,
  shot,
  signUp,
  stored,
  test,
  texts,
  writePost,
} from "./support.js";

const GONE = "This comment was deleted.";

test("two people see each other write, reply, edit and delete", async ({ open }) => {
  const ada = await open();
  await signUp(ada, "Ada");
  const path = await writePost(ada, "Bells", "How *loud* may they be?");
  await expect(ada.locator(".post em")).toHaveText("loud");
  await expect(ada.getByText("Be the first to say something.")).toBeVisible();
  await shot(ada, "thread-empty");
  const bob = await open(path);
  await signUp(bob, "Bob");

  await say(ada, "Not before eight.");
  await expect(bob.getByRole("button", { name: "1 new comment" })).toBeVisible();
  await expect(texts(bob)).toHaveCount(0);
  await shot(bob, "thread-one-new");
  await bob.getByRole("button", { name: "1 new comment" }).click();
  await expect(comment(bob, "Not before eight.")).toBeFocused();

  await reply(bob, "Not before eight.", "Nine, please.");
  await comment(ada, "Not before eight.").getByRole("button", { name: "1 new reply to Ada" }).click();
  await reply(ada, "Nine, please.", "Half past eight?");
  await say(bob, "And on Sundays?");
  await reads(ada, ["Not before eight.", "Nine, please.", "Half past eight?", "And on Sundays?"]);
  await reads(bob, ["Not before eight.", "Nine, please.", "Half past eight?", "And on Sundays?"]);
  await shot(ada, "thread-talk");

  await comment(bob, "Nine, please.").getByRole("button", { name: "Edit" }).click();
  await bob.getByLabel("Edit your comment").fill("Ten, please.");
  await shot(bob, "thread-editing");
  await bob.getByRole("button", { name: "Save" }).click();
  await expect(comment(ada, "Ten, please.").getByText("edited")).toBeVisible();

  await comment(bob, "Ten, please.").getByRole("button", { name: "Delete" }).click();
  await shot(bob, "thread-deleting");
  await expect(bob.getByRole("button", { name: "Keep" })).toBeFocused();
  await bob.getByRole("button", { name: "Delete", exact: true }).click();
  await reads(ada, ["Not before eight.", GONE, "Half past eight?", "And on Sundays?"]);
  await reads(bob, ["Not before eight.", GONE, "Half past eight?", "And on Sundays?"]);
  await expect(ada.getByRole("heading", { name: "Comments 3" })).toBeVisible();
  await shot(ada, "thread-tombstone");

  await ada.reload();
  await reads(ada, ["Not before eight.", GONE, "Half past eight?", "And on Sundays?"]);
});

test("nobody can edit or delete what somebody else wrote", async ({ open }) => {
  const ada = await open();
  await signUp(ada, "Ada");
  const path = await writePost(ada, "Mine", "and yours");
  await say(ada, "Hands off.");
  const reader = await open(path);
  await expect(comment(reader, "Hands off.").getByRole("button", { name: /Edit|Delete/ })).toHaveCount(0);
  await expect(comment(reader, "Hands off.").getByRole("button", { name: "Reply to Ada" })).toBeVisible();
});

test("what is new above and below waits, and nothing on screen moves", async ({ open }) => {
  const ada = await open();
  await signUp(ada, "Ada");
  const path = await writePost(ada, "Steady", "as she goes");
  for (const text of ["first", "second", "third"]) await say(ada, text);
  const reader = await open(path);
  await reads(reader, ["first", "second", "third"]);
  const places = () =>
    reader.locator("article.comment").evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
  const before = await places();
  const box = reader.getByLabel("Write a comment");
  const boxBefore = await box.boundingBox();
  await reply(ada, "first", "an answer");
  await say(ada, "fourth");
  await expect(reader.getByRole("button", { name: "1 new reply to Ada" })).toBeVisible();
  await expect(reader.getByRole("button", { name: "1 new comment", exact: true })).toBeVisible();
  expect(await places()).toEqual(before);
  expect(await box.boundingBox()).toEqual(boxBefore);
});

test("a server that is killed and comes back: nothing lost, doubled or out of order", async ({ open, server }) => {
  const ada = await open();
  await signUp(ada, "Ada");
  const path = await writePost(ada, "Storm", "The tower sways.");
  const bob = await open(path);
  await signUp(bob, "Bob");
  await say(ada, "one");
  await reads(bob, ["one"]);
  await say(bob, "two");
  await reads(ada, ["one", "two"]);

  await server.kill("SIGKILL");
  await ada.getByLabel("Write a comment").fill("three, in the dark");
  await ada.getByRole("button", { name: "Comment", exact: true }).click();
  await expect(comment(ada, "three, in the dark")).toHaveClass(/pending/);
  await expect(ada.getByRole("status").filter({ hasText: "Reconnecting…" })).toBeVisible();
  await shot(ada, "server-away");
  await server.start();

  await stored(ada, "three, in the dark");
  await reads(bob, ["one", "two", "three, in the dark"]);
  await expect(ada.getByText("Reconnecting…")).toBeHidden();
  await reply(bob, "one", "four");
  await reads(ada, ["one", "four", "two", "three, in the dark"]);
  for (const page of [ada, bob]) {
    await page.reload();
    await reads(page, ["one", "four", "two", "three, in the dark"]);
  }
});

test("a comment on its way survives that the page is left", async ({ open, server }) => {
  const ada = await open();
  await signUp(ada, "Ada");
  const path = await writePost(ada, "Tunnel", "no light");
  await say(ada, "before");
  await server.kill("SIGKILL");
  await ada.getByLabel("Write a comment").fill("inside");
  await ada.getByRole("button", { name: "Comment", exact: true }).click();
  await expect(comment(ada, "inside")).toHaveClass(/pending/);
  await ada.goto("about:blank");
  await server.start();
  await ada.goto(server.url + path);
  await stored(ada, "inside");
  await reads(ada, ["before", "inside"]);
});

test("a draft survives a reload and signing in", async ({ open }) => {
  const ada = await open();
  await signUp(ada, "Ada");
  const path = await writePost(ada, "Drafts", "are kept");
  await say(ada, "a comment");

  const guest = await open(path);
  await guest.getByLabel("Write a comment").fill("half a thou");
  await comment(guest, "a comment")
    .getByRole("button", { name: /^Reply/ })
    .click();
  await guest.getByRole("textbox", { name: "Reply to Ada" }).fill("and half a reply");
  await guest.reload();
  await expect(guest.getByLabel("Write a comment")).toHaveValue("half a thou");
  await expect(guest.getByRole("textbox", { name: "Reply to Ada" })).toHaveValue("and half a reply");

  await guest.getByLabel("Write a comment").fill("a whole thought");
  await guest.getByRole("button", { name: "Sign in to comment" }).click();
  await shot(guest, "sign-in-in-place");
  await fillSignUp(guest, "Guest");
  await expect(guest.getByLabel("Write a comment")).toBeFocused();
  await expect(guest.getByLabel("Write a comment")).toHaveValue("a whole thought");
  await guest.getByRole("button", { name: "Comment", exact: true }).click();
  await stored(guest, "a whole thought");
  await expect(guest.getByLabel("Write a comment")).toHaveValue("");
});

test("a long thread loads page by page, and one's own comment is shown at once", async ({ open, server }) => {
  const ada = await open();
  await signUp(ada, "Ada");
  const path = await writePost(ada, "Long", "thread");
  const { access_token } = await (
    await fetch(`${server.url}/api/v1/auth/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email: "ada@example.org", password: "a long enough password" }),
    })
  ).json();
  const numbers = Array.from({ length: 70 }, (_, n) => `number ${n + 1}`);
  for (const body of numbers) {
    const { status } = await fetch(`${server.url}/api/v1${path}/comments`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${access_token}` },
      body: JSON.stringify({ body }),
    });
    expect(status).toBe(201);
  }
  await ada.reload();
  await reads(ada, numbers.slice(0, 30));
  await say(ada, "mine");
  await reads(ada, [...numbers.slice(0, 30), "mine"]);
  const more = ada.getByRole("button", { name: "Load more comments" });
  await more.click();
  await reads(ada, [...numbers.slice(0, 60), "mine"]);
  await more.click();
  await reads(ada, [...numbers, "mine"]);
  await expect(more).toHaveCount(0);

  const link = await comment(ada, "number 60").getByRole("link").getAttribute("href");
  const reader = await open(path + link!);
  await expect(comment(reader, "number 60")).toBeFocused();
  await expect(comment(reader, "number 60")).toBeInViewport();
});
