import { createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { createKey } from "../../src/identity/key-store.ts";
import { resealKeys, type SealedKeyRows, sealedKeyStore } from "../../src/identity/sealed-key-store.ts";
import { sharedKeys } from "../../src/server/shared-identity.ts";
import { StartRefusal } from "../../src/start-refusal.ts";
import { migrate } from "../../src/store/migrate.ts";
import {
  insertSharedCertificate,
  newestSealedKey,
  sealedKeyNames,
  sharedCertificate,
} from "../../src/store/shared-identity.ts";
import type { Database } from "../../src/store/tables.ts";
import { describeOnEachEngine } from "../support/databases.ts";

const NOW = Date.UTC(2026, 10, 24);
const newSealingKey = () => createSecretKey(randomBytes(32));

const rowsIn = (db: Database): SealedKeyRows => sharedKeys({ tx: db, now: NOW });
const keysIn = (db: Database, sealingKey = newSealingKey(), ...others: readonly KeyObject[]) =>
  sealedKeyStore(rowsIn(db), [sealingKey, ...others], randomBytes);

/** Alters what lies in the database, as whoever can write there might. */
const alter = (db: Database, change: { name?: string; generation?: number; sealed?: string }) =>
  db.updateTable("sealed_key").set(change).execute();

describeOnEachEngine("the identity that servers share", (open) => {
  it.each(["P-256", "P-384", "Ed25519"] as const)("S63: a sealed %s key is the one that was made", async (kind) => {
    const { db, engine } = await open();
    await migrate(db, engine);
    const keys = keysIn(db);
    expect(await keys.load("broker-ca")).toBeUndefined();
    const made = await createKey(keys, "broker-ca", kind);
    expect((await keys.load("broker-ca"))?.equals(made)).toBe(true);
    await expect(createKey(keys, "broker-ca", kind)).rejects.toThrow("exists already");
    expect(await keys.load("another")).toBeUndefined();
  });

  it("S63: what lies there is sealed with a nonce of its own, and opens under its key, name and generation alone", async () => {
    const { db, engine } = await open();
    await migrate(db, engine);
    const sealingKey = newSealingKey();
    const keys = keysIn(db, sealingKey);
    const made = await createKey(keys, "one", "P-256");
    const { sealed = "" } = (await newestSealedKey(db, "one")) ?? {};
    const bytes = Buffer.from(sealed, "base64url");
    expect(bytes.includes(made.export({ type: "pkcs8", format: "der" }).subarray(30, 60))).toBe(false);

    const loads = async () => (await keys.load("one"))?.equals(made);
    await alter(db, { generation: 2 });
    await expect(loads()).rejects.toThrow(StartRefusal);
    await alter(db, { generation: 1, name: "two" });
    await expect(keys.load("two")).rejects.toThrow(StartRefusal);
    await alter(db, { name: "one" });
    expect(await loads()).toBe(true);
    for (let at = 0; at < bytes.length; at += 7) {
      const bent = Buffer.from(bytes);
      bent.writeUInt8(bent.readUInt8(at) ^ 1, at);
      await alter(db, { sealed: bent.toString("base64url") });
      await expect(loads(), `byte ${at}`).rejects.toThrow(StartRefusal);
    }
    for (const cut of ["", sealed.slice(0, 20), sealed.slice(0, -4)]) {
      await alter(db, { sealed: cut });
      await expect(loads()).rejects.toThrow(StartRefusal);
    }
    await alter(db, { sealed });
    await expect(keysIn(db).load("one")).rejects.toThrow(/not sealed under this server's key file/);
    expect(await loads()).toBe(true);
  });

  it("a key that was removed is gone, in every generation, and the others are not", async () => {
    const { db, engine } = await open();
    await migrate(db, engine);
    expect(await sealedKeyNames(db)).toEqual([]);
    const keys = keysIn(db);
    const kept = await createKey(keys, "kept", "P-256");
    await createKey(keys, "gone", "P-256");
    await keys.remove("gone");
    await keys.remove("gone");
    expect(await keys.load("gone")).toBeUndefined();
    expect((await keys.load("kept"))?.equals(kept)).toBe(true);
    expect(await sealedKeyNames(db)).toEqual(["kept"]);
  });

  it("S63: is sealed anew under another key; interrupted, that goes on where it was, and both keys open meanwhile", async () => {
    const { db, engine } = await open();
    await migrate(db, engine);
    const [old, next] = [newSealingKey(), newSealingKey()];
    const one = await createKey(keysIn(db, old), "one", "P-256");
    const two = await createKey(keysIn(db, old), "two", "Ed25519");
    const both = keysIn(db, next, old);
    const rows = rowsIn(db);
    let inserts = 0;
    const stopping: SealedKeyRows = {
      ...rows,
      async insert(key) {
        if (inserts++ === 1) throw new Error("the connection is gone");
        await rows.insert(key);
      },
    };
    await expect(resealKeys(stopping, [next, old], randomBytes)).rejects.toThrow("the connection is gone");
    for (const [name, made] of [
      ["one", one],
      ["two", two],
    ] as const)
      expect((await both.load(name))?.equals(made)).toBe(true);
    expect(await resealKeys(rows, [next, old], randomBytes)).toEqual(["two"]);
    expect(await resealKeys(rows, [next, old], randomBytes)).toEqual([]);
    expect((await keysIn(db, next).load("one"))?.equals(one)).toBe(true);
    expect((await keysIn(db, next).load("two"))?.equals(two)).toBe(true);
    await expect(keysIn(db, old).load("one")).rejects.toThrow(StartRefusal);
    await expect(resealKeys(rows, [newSealingKey()], randomBytes)).rejects.toThrow(StartRefusal);
    expect(await db.selectFrom("sealed_key").select(["name", "generation"]).orderBy("name").execute()).toEqual([
      { name: "one", generation: 2 },
      { name: "two", generation: 2 },
    ]);
  });

  it("the newest certificate is the one that issues, and the earlier ones stay", async () => {
    const { db, engine } = await open();
    await migrate(db, engine);
    expect(await sharedCertificate(db)).toBeUndefined();
    await insertSharedCertificate(db, "first", NOW);
    await insertSharedCertificate(db, "second", NOW);
    expect(await sharedCertificate(db)).toBe("second");
    expect(await db.selectFrom("broker_certificate").select("pem").orderBy("generation").execute()).toEqual([
      { pem: "first" },
      { pem: "second" },
    ]);
  });
});
