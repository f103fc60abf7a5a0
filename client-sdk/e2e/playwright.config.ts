import { defineConfig } from "@playwright/test";

// No retries: a test that fails now and then has found something.
export default defineConfig({
  testDir: ".",
  outputDir: "../.e2e/results",
  reporter: [["list"]],
  workers: 1,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {
    actionTimeout: 15_000,
    browserName: "chromium",
    launchOptions: {
      executablePath: process.env.BELFRY_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
