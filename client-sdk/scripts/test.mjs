// Bundles every test and runs them: `npm test`, or `npm test -- room outbox` for those whose names contain a word.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";

const words = process.argv.slice(2);
const wanted = (name) => name.endsWith(".test.ts") && (!words.length || words.some((word) => name.includes(word)));
const tests = readdirSync("test").filter(wanted);
rmSync("dist/test", { recursive: true, force: true });
await build({
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  sourcemap: "inline",
  entryPoints: tests.map((name) => `test/${name}`),
  outdir: "dist/test",
  outExtension: { ".js": ".mjs" },
  logLevel: "warning",
});
const files = readdirSync("dist/test").map((name) => `dist/test/${name}`);
const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit" });
process.exit(status ?? 1);
