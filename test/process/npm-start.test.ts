import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.ts";

const root = join(import.meta.dirname, "..", "..");
let group: ChildProcess | undefined;

afterEach(() => {
  if (group?.pid === undefined) return;
  try {
    process.kill(-group.pid, "SIGKILL");
  } catch {
    // The whole group has ended, as it should.
  }
});

describe("npm start", () => {
  it("L7: a SIGTERM to npm reaches the broker, which stops by itself and leaves no process behind", async () => {
    const data = join(temporaryFolder(), "data");
    group = spawn("npm", ["start"], {
      cwd: root,
      // A group of its own, as a service manager makes one; the signal goes to npm alone.
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        PATH: process.env.PATH ?? "",
        ENTENTE_DATA: data,
        ENTENTE_ADMIN_ADDRESS: "127.0.0.1:0",
        ENTENTE_BUNDLE_ADDRESS: "127.0.0.1:0",
        ENTENTE_SHUTDOWN_DELAY_SECONDS: "0",
      },
    });
    let log = "";
    group.stdout?.on("data", (chunk: Buffer) => {
      log += chunk.toString();
    });
    // Resolves when the broker, which inherits npm's standard output, has ended too.
    const ended = group.stdout ? once(group.stdout, "close") : Promise.reject(new Error("no output"));
    while (!existsSync(join(data, "addresses.json"))) await sleep(50);

    group.kill("SIGTERM");
    await ended;

    expect(log).toContain('"msg":"stopping"');
  }, 60_000);
});
