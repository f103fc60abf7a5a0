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
process.exit(over ? 1 : 0);
