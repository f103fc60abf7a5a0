import { mkdirSync } from "node:fs";
import type { Page } from "@playwright/test";
import { someone } from "./people.js";
import { bell, comment, expect, test } from "./support.js";

// The pictures of the README. They are made anew only when asked for, so that a test run leaves the tree as it was.
const folder = `${import.meta.dirname}/../site/pictures`;

const picture = async (page: Page, name: string): Promise<void> => {
  await page.screenshot({ path: `${folder}/${name}.png`, animations: "disabled", caret: "hide" });
};

test("pictures for the README", async ({ open, server }) => {
  test.skip(process.env.BELFRY_PICTURES !== "1", "Set BELFRY_PICTURES=1 to take them.");
  mkdirSync(folder, { recursive: true });
  const [ada, grace, alan, barbara, edsger, katherine] = [
    await someone(server, "Ada Lovelace"),
    await someone(server, "Grace Hopper"),
    await someone(server, "Alan Turing"),
    await someone(server, "Barbara Liskov"),
    await someone(server, "Edsger Dijkstra"),
    await someone(server, "Katherine Johnson"),
  ];
  await alan.post("Which bell for the new tower?", "Bronze or steel? The choir would like to be heard.", ["bells"]);
  await barbara.post("A clock that strikes thirteen", "It happened again on Tuesday.", ["clocks", "incident"]);
  const { id, path } = await ada.post(
    "What should the bell say at night?",
    "We had **two** complaints about the three o'clock bell. I would rather not silence it:\npeople set their *dreams* by it. Ring once, softly? Or in another key?",
    ["bells", "design"],
  );
  const soft = await grace.comment(
    id,
    "Once, and softly. A bell that wants to be heard by everyone is muffled by someone.",
  );
  const key = await alan.comment(
    id,
    "Or in another key: `C` carries further than `E`, so one would hear the difference.",
    soft,
  );
  const third = await ada.comment(id, "@alan_turing I like that. Nobody complains about a minor third.", key);
  await barbara.comment(id, "Until they do, @ada_lovelace.", third);
  await edsger.comment(id, "> let the town vote\n\nThe town voted for the bell in the first place.");
  for (const [who, what, emoji] of [
    [ada, soft, "👍"],
    [alan, soft, "👍"],
    [katherine, soft, "👍"],
    [barbara, soft, "❤️"],
    [grace, third, "🎉"],
    [alan, third, "🎉"],
    [edsger, third, "🎉"],
    [katherine, third, "😂"],
  ] as const)
    await who.react(what, emoji);

  // A clock that stands still from here on: times are the same in every picture.
  const later = new Date(Date.now() + 4 * 60_000);
  const size = { width: 880, height: 776 };
  const others: Page[] = [];
  for (const as of [grace, alan, barbara, edsger]) others.push(await open(path, { as: as }));
  await open(path);

  const look = async (options: Parameters<typeof open>[1], name: string, see: (page: Page) => Promise<void>) => {
    const page = await open("/", { as: ada, deviceScaleFactor: 1, ...options });
    await page.clock.setFixedTime(later);
    await page.goto(server.url + path);
    await expect(page.getByRole("button", { name: /people here$/ })).toBeVisible();
    for (const more of await page.getByRole("button", { name: /^Show .* more/ }).all()) await more.click();
    await expect(comment(page, "Until they do, @ada_lovelace.")).toBeVisible();
    await see(page);
    await picture(page, name);
    await page.context().close();
  };

  await look({ viewport: { ...size, height: 1112 }, colorScheme: "light" }, "thread", async (page) => {
    await others[0]!.getByLabel("Write a comment").pressSequentially("One could");
    await others[1]!.getByLabel("Write a comment").pressSequentially("What if");
    await expect(page.getByText("are writing…")).toBeVisible();
  });
  await look({ viewport: size, colorScheme: "dark" }, "inbox", async (page) => {
    await bell(page).click();
    await expect(page.getByRole("dialog", { name: "Notifications" }).getByRole("link").first()).toBeVisible();
  });
  await look(
    { viewport: { width: 392, height: 784 }, hasTouch: true, isMobile: true, colorScheme: "light" },
    "phone",
    async (page) => {
      await comment(
        page,
        "Once, and softly. A bell that wants to be heard by everyone is muffled by someone.",
      ).scrollIntoViewIfNeeded();
    },
  );
});
