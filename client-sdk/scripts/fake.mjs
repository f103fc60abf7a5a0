// Builds the stand-in server of the tests as an executable, dist/fake/belfry.mjs, for work on the page without the real one.
import { build } from "esbuild";
import { chmodSync } from "node:fs";

await build({
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  entryPoints: { belfry: "test/support/fake-server.ts" },
  outdir: "dist/fake",
  outExtension: { ".js": ".mjs" },
  banner: { js: "#!/usr/bin/env node" },
  logLevel: "warning",
});
chmodSync("dist/fake/belfry.mjs", 0o755);
console.log("dist/fake/belfry.mjs");
