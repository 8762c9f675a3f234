import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createKey, fileKeyStore } from "../../src/identity/key-store.ts";
import { StartRefusal } from "../../src/start-refusal.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe("keys in files", () => {
  it.each(["P-256", "P-384", "Ed25519"] as const)("a %s key that was made is the one that is loaded", async (kind) => {
    const folder = join(temporaryFolder(), "keys");
    const made = await createKey(fileKeyStore(folder), "broker-ca", kind);
    expect((await fileKeyStore(folder).load("broker-ca"))?.equals(made)).toBe(true);
  });

  it("a key that was never made is absent", async () => {
    expect(await fileKeyStore(temporaryFolder()).load("broker-ca")).toBeUndefined();
  });

  it("S62: folder and file are their owner's alone, whatever the umask", async () => {
    const before = process.umask(0);
    try {
      const folder = join(temporaryFolder(), "keys");
      await createKey(fileKeyStore(folder), "broker-ca", "P-256");
      expect(modeOf(folder)).toBe(0o700);
      expect(modeOf(join(folder, "broker-ca.pem"))).toBe(0o600);
      expect(readdirSync(folder)).toEqual(["broker-ca.pem"]);
    } finally {
      process.umask(before);
    }
  });

  it("a key is never replaced", async () => {
    const keys = fileKeyStore(temporaryFolder());
    const first = await createKey(keys, "broker-ca", "P-256");
    await expect(createKey(keys, "broker-ca", "P-256")).rejects.toThrow("exists already");
    expect((await keys.load("broker-ca"))?.equals(first)).toBe(true);
  });

  it("a key that was removed is gone, and removing it again is nothing", async () => {
    const folder = temporaryFolder();
    const keys = fileKeyStore(folder);
    await createKey(keys, "broker-ca", "P-256");
    await keys.remove("broker-ca");
    await keys.remove("broker-ca");
    expect(await keys.load("broker-ca")).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([0o640, 0o604, 0o660, 0o602, 0o610])(
    "S62: a key file with mode 0%o refuses to start and says what to do",
    async (mode) => {
      const folder = temporaryFolder();
      await createKey(fileKeyStore(folder), "broker-ca", "P-256");
      chmodSync(join(folder, "broker-ca.pem"), mode);
      await expect(fileKeyStore(folder).load("broker-ca")).rejects.toThrow(StartRefusal);
      await expect(fileKeyStore(folder).load("broker-ca")).rejects.toThrow(/broker-ca\.pem.*chmod 600/);
    },
  );

  it("a key file that holds no key refuses to start", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "broker-ca.pem"), "lost", { mode: 0o600 });
    await expect(fileKeyStore(folder).load("broker-ca")).rejects.toThrow(StartRefusal);
  });
});
