import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { createInbox } from "../src/inbox.js";
import { becomes, binary, RealServer } from "./support/real-server.js";

// The examples of the README, run as they stand there.
const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const example = (name: string): string => {
  const found = new RegExp(`\\*\\*${name}\\*\\*.*\\n\\n\`\`\`\\w+\\n([^]*?)\`\`\``).exec(readme)?.[1];
  assert.ok(found, `The README has an example for ${name}.`);
  return found;
};

interface Answers {
  /** Of `/belfry-token`, for somebody and for nobody. */
  token: string;
  nobody: null;
  /** Of `/articles/bells`, twice. */
  article: { postId: number };
  again: { postId: number };
  /** Of the notification, before that person was known. */
  early: { accepted: number; unknown: number };
}

/** Just so much of the framework as the example touches. */
const EXPRESS_BEFORE = `
const handlers = {};
const app = { get: (path, handler) => (handlers[path] = handler) };
`;

const EXPRESS_AFTER = `
const get = (path, req) => new Promise((json, failed) => Promise.resolve(handlers[path](req, { json })).catch(failed));
const user = { id: 7, name: "Grace", picture: "https://img.example/grace.png" };
const article = () => get("/articles/:slug", { params: { slug: process.env.SLUG } });
console.log(JSON.stringify({
  early: await orderSent(7),
  token: await get("/belfry-token", { user }),
  nobody: await get("/belfry-token", {}),
  article: await article(),
  again: await article(),
}));
`;

const DJANGO_BEFORE = `
import sys, types
django, http = types.ModuleType("django"), types.ModuleType("django.http")
http.JsonResponse = lambda data, safe=True: data
sys.modules.update({"django": django, "django.http": http})
`;

const DJANGO_AFTER = `
class User:
    is_authenticated, pk = True, 7
    get_full_name = lambda self: ""
    get_username = lambda self: "Grace"

request, nobody = types.SimpleNamespace(user=User()), types.SimpleNamespace(user=types.SimpleNamespace(is_authenticated=False))
slug = os.environ["SLUG"]
print(json.dumps({
    "early": order_sent(User()),
    "token": belfry_token(request),
    "nobody": belfry_token(nobody),
    "article": article(request, slug),
    "again": article(request, slug),
}))
`;

describe("a site's own back end", { skip: !binary && "BELFRY_BIN is not set" }, () => {
  let server: RealServer;
  let env: Record<string, string>;

  before(async () => {
    server = new RealServer(binary!, {
      BELFRY_HOST_SECRET: "what the site and the server share",
      BELFRY_ORIGINS: "https://example.org",
    });
    await server.start();
    const key = await server.run("token", "--api-key", "site", "--scope", "posts,notify");
    env = { BELFRY_API_KEY: key, BELFRY_HOST_SECRET: "what the site and the server share", BELFRY_URL: server.url };
  });

  after(() => server.remove());

  const run = async (command: string, file: string, code: string, slug: string): Promise<Answers> => {
    const path = join(server.folder, file);
    writeFileSync(path, code);
    const { stdout } = await promisify(execFile)(command, [path], {
      env: { PATH: process.env.PATH, ...env, SLUG: slug },
    });
    return JSON.parse(stdout) as Answers;
  };

  const sites: { name: string; answers: () => Promise<Answers>; picture: string | null }[] = [
    {
      name: "Express",
      answers: () => run(process.execPath, "express.mjs", EXPRESS_BEFORE + example("Express") + EXPRESS_AFTER, "bells"),
      picture: "https://img.example/grace.png",
    },
    {
      name: "Django",
      answers: () => run("python3", "site.py", DJANGO_BEFORE + example("Django") + DJANGO_AFTER, "towers"),
      // Left out of a token, it stays.
      picture: "https://img.example/grace.png",
    },
  ];

  let grace: number | undefined;
  for (const { answers, name, picture } of sites) {
    test(`of ${name}, as in the README, signs in its people, has a thread for a page and notifies with one call`, async () => {
      const { again, article, early, nobody, token } = await answers();
      assert.equal(nobody, null);
      assert.deepEqual(article, again);
      const post = await server.rest().post(article.postId);
      assert.deepEqual([post.title, post.author], ["Bells", null]);
      assert.match(post.url!, /^https:\/\/example\.org\/articles\//);
      assert.deepEqual((await server.rest().pageCounts([post.page_key!])).items, [
        { id: post.id, page_key: post.page_key, comment_count: 0 },
      ]);

      const client = server.connect(undefined, { token: async () => token });
      await becomes(client, "connected");
      assert.equal(client.user!.name, "Grace");
      grace ??= client.user!.id;
      assert.equal(client.user!.id, grace, "one person, whoever signs");
      const comment = await client.createComment({ postId: post.id, body: "From the site" });
      assert.equal(comment.author!.avatar_url, picture);

      // The first one came before the person did; of one kind without a group each is one of its own.
      assert.equal(early.accepted + early.unknown, 1);
      const rest = server.rest({ user: client.user!, token });
      const inbox = createInbox({ client, rest });
      await inbox.load();
      assert.equal(inbox.unread, early.accepted);
      if (early.accepted)
        assert.deepEqual([inbox.items[0]!.kind, inbox.items[0]!.title], ["order", "Your order is on its way"]);
    });
  }
});
