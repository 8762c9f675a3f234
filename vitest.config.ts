import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Where .ci/run wants the results, as JSON. */
const report = process.env.VITEST_JSON;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Half of what they do is to wait for processes, sockets and disks.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // So is that of tests that run at once.
    maxConcurrency: 16,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
  },
});
