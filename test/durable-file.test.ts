import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeFileDurably } from "../src/durable-file.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

describe("a file written durably", () => {
  it("S62: replaces the old one and is its owner's alone, though the old one was not", () => {
    const path = join(temporaryFolder(), "token");
    writeFileSync(path, "old", { mode: 0o644 });
    writeFileDurably(path, "new");
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("leaves nothing behind when it cannot be put in its place", () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "token"));
    expect(() => writeFileDurably(join(folder, "token"), "new")).toThrow();
    expect(readdirSync(folder)).toEqual(["token"]);
  });
});
