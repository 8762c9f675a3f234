import fs, { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { keptNumbers, leftNumbers } from "../../src/bundle-endpoint/kept-numbers.ts";
import { unrecordedFetches } from "../../src/bundle-endpoint/unrecorded-fetches.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const fetch = (pollerId: string) => ({ pollerId, meshId: "bank", trustDomain: "shop.example" });

describe("first fetches that the ledger may not have", () => {
  it("outlive the process until the ledger has them, in a file of its owner's", () => {
    const path = join(temporaryFolder(), "fetches");
    const first = unrecordedFetches(path);
    for (const name of ["a", "b", "b"]) first.add(fetch(name));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(unrecordedFetches(path).left).toEqual([fetch("a"), fetch("b")]);
  });

  it("go from the file once the ledger has them, so that it stays as small as what is open", () => {
    const path = join(temporaryFolder(), "fetches");
    const fetches = unrecordedFetches(path);
    fetches.add(fetch("stays"));
    for (let index = 0; index < 5_000; index++) {
      fetches.add(fetch(`p${index}`));
      fetches.recorded(fetch(`p${index}`));
    }
    expect(readFileSync(path, "utf8").split("\n").length).toBeLessThan(1_100);
    expect(unrecordedFetches(path).left).toContainEqual(fetch("stays"));
  });

  it("a last line that was cut off is left out", () => {
    const path = join(temporaryFolder(), "fetches");
    writeFileSync(path, "a bank shop.example\nb bank shop.exa");
    expect(unrecordedFetches(path).left).toEqual([fetch("a")]);
  });

  it("what is written behind a line that was cut off is a line of its own (R21)", () => {
    const path = join(temporaryFolder(), "fetches");
    writeFileSync(path, "a bank shop.example\nb bank shop.exa");
    unrecordedFetches(path).add(fetch("c"));
    expect(unrecordedFetches(path).left).toEqual([fetch("a"), fetch("c")]);
  });

  it("what a full disk did not take is written with the next", () => {
    const folder = temporaryFolder();
    const path = join(folder, "fetches");
    const fetches = unrecordedFetches(path);
    fetches.add(fetch("a"));
    const { appendFileSync } = fs;
    const append = vi.spyOn(fs, "appendFileSync").mockImplementationOnce((file, line) => {
      appendFileSync(file, String(line).slice(0, 3));
      throw new Error("ENOSPC");
    });
    syncBuiltinESMExports();
    fetches.add(fetch("b"));
    append.mockRestore();
    syncBuiltinESMExports();
    fetches.add(fetch("c"));
    expect(unrecordedFetches(path).left).toEqual(["a", "b", "c"].map(fetch));
  });
});

describe("numbers that were given out beyond the log", () => {
  const ahead = { trustDomain: "shop.example", meshId: null, sequence: 9, lastModifiedSeconds: 1, content: "300 a" };

  it("are what the next process is told", () => {
    const path = join(temporaryFolder(), "numbers");
    expect(leftNumbers(path)).toEqual([]);
    keptNumbers(path).keep([ahead]);
    expect(leftNumbers(path)).toEqual([ahead]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("are written when the disk takes them again", () => {
    const folder = join(temporaryFolder(), "not there yet");
    const path = join(folder, "numbers");
    const numbers = keptNumbers(path);
    numbers.keep([ahead]);
    expect(leftNumbers(path)).toEqual([]);
    mkdirSync(folder);
    numbers.retry();
    expect(leftNumbers(path)).toEqual([ahead]);
  });

  it("a file that says something else is not guessed at", () => {
    const path = join(temporaryFolder(), "numbers");
    writeFileSync(path, '{"numbersAhead": [{"sequence": "9"}]}');
    expect(() => leftNumbers(path)).toThrow(/cannot be read/);
  });
});
