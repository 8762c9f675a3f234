import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fileKeyStore } from "../../src/identity/key-store.ts";
import { StartRefusal } from "../../src/start-refusal.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe("keys in files", () => {
  it.each(["P-256", "P-384", "Ed25519"] as const)("a %s key that was made is the one that is loaded", (kind) => {
    const folder = join(temporaryFolder(), "keys");
    const made = fileKeyStore(folder).create("broker-ca", kind);
    expect(fileKeyStore(folder).load("broker-ca")?.equals(made)).toBe(true);
  });

  it("a key that was never made is absent", () => {
    expect(fileKeyStore(temporaryFolder()).load("broker-ca")).toBeUndefined();
  });

  it("S62: folder and file are their owner's alone, whatever the umask", () => {
    const before = process.umask(0);
    try {
      const folder = join(temporaryFolder(), "keys");
      fileKeyStore(folder).create("broker-ca", "P-256");
      expect(modeOf(folder)).toBe(0o700);
      expect(modeOf(join(folder, "broker-ca.pem"))).toBe(0o600);
      expect(readdirSync(folder)).toEqual(["broker-ca.pem"]);
    } finally {
      process.umask(before);
    }
  });

  it("a key is never replaced", () => {
    const keys = fileKeyStore(temporaryFolder());
    const first = keys.create("broker-ca", "P-256");
    expect(() => keys.create("broker-ca", "P-256")).toThrow("exists already");
    expect(keys.load("broker-ca")?.equals(first)).toBe(true);
  });

  it.each([0o640, 0o604, 0o660, 0o602, 0o610])(
    "S62: a key file with mode 0%o refuses to start and says what to do",
    (mode) => {
      const folder = temporaryFolder();
      fileKeyStore(folder).create("broker-ca", "P-256");
      chmodSync(join(folder, "broker-ca.pem"), mode);
      expect(() => fileKeyStore(folder).load("broker-ca")).toThrow(StartRefusal);
      expect(() => fileKeyStore(folder).load("broker-ca")).toThrow(/broker-ca\.pem.*chmod 600/);
    },
  );

  it("a key file that holds no key refuses to start", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "broker-ca.pem"), "lost", { mode: 0o600 });
    expect(() => fileKeyStore(folder).load("broker-ca")).toThrow(StartRefusal);
  });
});
