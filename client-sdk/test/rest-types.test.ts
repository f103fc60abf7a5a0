import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const binary = process.env.BELFRY_BIN;

test("the types of REST are those of the server's document", { skip: !binary && "BELFRY_BIN is not set" }, () => {
  const check = spawnSync(process.execPath, ["scripts/rest-types.mjs", "--check"], { encoding: "utf8" });
  assert.equal(check.status, 0, check.stderr);
});
