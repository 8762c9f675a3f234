import { createCipheriv, createDecipheriv, createPrivateKey, createSecretKey, type KeyObject } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { writeFileDurably } from "../durable-file.ts";
import type { Randomness } from "../randomness.ts";
import { StartRefusal } from "../start-refusal.ts";
import { generateKey, type KeyStore, readGuarded } from "./key-store.ts";

/** Where sealed keys lie: rows that several servers share. The newest generation of a name is in use. */
export interface SealedKeyRows {
  newest(name: string): Promise<{ readonly generation: number; readonly sealed: string } | undefined>;
  /** Never replaces one. */
  insert(key: { readonly name: string; readonly generation: number; readonly sealed: string }): Promise<void>;
  /** Every generation of it. */
  remove(name: string): Promise<void>;
}

const SEALING_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Reads the key that others are sealed under: a file of 32 bytes, its owner's alone (S62, S63).
 * @throws {StartRefusal} naming the file, what is wrong with it and what mends it
 */
export function readSealingKey(path: string): KeyObject {
  let bytes: Buffer;
  try {
    bytes = readGuarded(path, 0o077);
  } catch (error) {
    if (error instanceof StartRefusal) throw error;
    throw new StartRefusal(
      `the key file ${path} cannot be read: ${(error as Error).message}; it is made once for a database, and each of its ` +
        "servers has a copy (docs/postgresql.md)",
      error,
    );
  }
  if (bytes.length === SEALING_KEY_BYTES) return createSecretKey(bytes);
  throw new StartRefusal(`the key file ${path} has ${bytes.length} bytes; allowed: ${SEALING_KEY_BYTES} random bytes`);
}

/** Makes a file for `readSealingKey`. */
export function makeSealingKey(path: string, random: Randomness): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileDurably(path, random(SEALING_KEY_BYTES));
}

/** Private keys in rows that others may read, each under AES-256-GCM with its name and generation bound to it (S63). */
export function sealedKeyStore(rows: SealedKeyRows, sealingKey: KeyObject, random: Randomness): KeyStore {
  return {
    async load(name) {
      const row = await rows.newest(name);
      return row && open(row.sealed, sealingKey, { name, generation: row.generation });
    },
    generate: generateKey,
    async keep(name, key) {
      if (await rows.newest(name)) throw new Error(`the key ${name} exists already`);
      const identity = { name, generation: 1 };
      await rows.insert({ ...identity, sealed: seal(key, sealingKey, identity, random) });
    },
    remove: (name) => rows.remove(name),
  };
}

interface Identity {
  readonly name: string;
  readonly generation: number;
}

const boundTo = ({ name, generation }: Identity): Buffer =>
  Buffer.from(JSON.stringify(["entente key", name, generation]));

function seal(key: KeyObject, sealingKey: KeyObject, identity: Identity, random: Randomness): string {
  const nonce = random(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", sealingKey, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(identity));
  const sealed = cipher.update(key.export({ type: "pkcs8", format: "der" }) as Buffer);
  return Buffer.concat([nonce, sealed, cipher.final(), cipher.getAuthTag()]).toString("base64url");
}

function open(text: string, sealingKey: KeyObject, identity: Identity): KeyObject {
  const sealed = Buffer.from(text, "base64url");
  try {
    const decipher = createDecipheriv("aes-256-gcm", sealingKey, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(boundTo(identity));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const der = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } catch (error) {
    throw new StartRefusal(
      `the key ${identity.name} in the database was not sealed under this server's key file, or was changed (S63): give it ` +
        "that of the other servers; where it is lost, docs/postgresql.md says how to make a new CA",
      error,
    );
  }
}
