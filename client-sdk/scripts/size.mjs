// Holds each entry point, with all that it loads, to its budget.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

const KB = 1024;
const budgets = {
  "src/index.ts": 8 * KB,
  "src/thread.ts": 7 * KB,
  "src/inbox.ts": 4 * KB,
  "src/msgpack.ts": 3 * KB,
};

let over = false;
for (const [entry, budget] of Object.entries(budgets)) {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const size = gzipSync(result.outputFiles[0].contents, { level: 9 }).length;
  over ||= size > budget;
  console.log(`${entry}: ${size} of ${budget} bytes gzipped${size > budget ? ", TOO MUCH" : ""}`);
}

// What the page loads before anybody does anything: its script with what that imports at once.
const PAGE = 42 * KB;
const page = await build({
  entryPoints: ["site/main.tsx"],
  bundle: true,
  minify: true,
  splitting: true,
  metafile: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  outdir: "dist/size",
  write: false,
});
const texts = new Map(page.outputFiles.map(({ contents, path }) => [path.slice(process.cwd().length + 1), contents]));
const first = new Set(Object.keys(page.metafile.outputs).filter((path) => path.endsWith("main.js")));
for (const path of first) {
  for (const { kind, path: next } of page.metafile.outputs[path].imports) {
    if (kind === "import-statement") first.add(next);
  }
}
const size = [...first].reduce((sum, path) => sum + gzipSync(texts.get(path), { level: 9 }).length, 0);
over ||= size > PAGE;
console.log(`the page: ${size} of ${PAGE} bytes gzipped${size > PAGE ? ", TOO MUCH" : ""}`);
process.exit(over ? 1 : 0);
