// Builds the package (dist/*.js) and the page (dist/site/). Types are left to tsc.
import { build } from "esbuild";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";

const common = { bundle: true, format: "esm", target: "es2022", logLevel: "warning", sourcemap: true };

await rm("dist", { recursive: true, force: true });

// Split, so that every entry point shares one `BelfryError` and one `Emitter`.
await build({
  ...common,
  entryPoints: { index: "src/index.ts", thread: "src/thread.ts", inbox: "src/inbox.ts", msgpack: "src/msgpack.ts" },
  outdir: "dist",
  splitting: true,
  chunkNames: "shared-[hash]",
});

// Split, so that what only some visitors need (the preview, the table of emoji) is fetched when they do.
const site = await build({
  ...common,
  sourcemap: false,
  minify: true,
  entryPoints: { app: "site/main.tsx", theme: "site/theme.ts", style: "site/style.css", icon: "site/icon.svg" },
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  splitting: true,
  outdir: "dist/site/assets",
  loader: { ".svg": "copy" },
  jsx: "automatic",
  jsxImportSource: "preact",
  metafile: true,
  banner: {
    js: "/* With Preact (MIT licence), copyright (c) 2015-present Jason Miller; the preview with marked (MIT licence). */",
  },
});

// The page's HTML names its assets by hash, so that they may be cached for ever and it never.
let html = await readFile("site/index.html", "utf8");
for (const [path, { entryPoint }] of Object.entries(site.metafile.outputs)) {
  if (entryPoint) html = html.replaceAll(`/${entryPoint}`, `/assets/${basename(path)}`);
}
await mkdir("dist/site", { recursive: true });
await writeFile("dist/site/index.html", html);
