import { defineConfig } from "vitest/config";

/** What takes too long for each change: each campaign is a command of its own. */
export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["campaigns/*.campaign.ts"],
    testTimeout: 3_600_000,
    fileParallelism: false,
  },
});
