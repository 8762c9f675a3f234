import { createCipheriv, createDecipheriv, createPrivateKey, createSecretKey, type KeyObject } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { writeFileDurably } from "../durable-file.ts";
import type { Randomness } from "../randomness.ts";
import { fileMend, StartRefusal } from "../start-refusal.ts";
import { generateKey, type KeyStore, readGuarded } from "./key-store.ts";

/** Where sealed keys lie: rows that several servers share. The newest generation of a name is in use. */
export interface SealedKeyRows {
  newest(name: string): Promise<{ readonly generation: number; readonly sealed: string } | undefined>;
  /** Never replaces one. */
  insert(key: { readonly name: string; readonly generation: number; readonly sealed: string }): Promise<void>;
  /** Every generation of it. */
  remove(name: string): Promise<void>;
  /** Every generation of it before this one. */
  removeBefore(name: string, generation: number): Promise<void>;
  names(): Promise<readonly string[]>;
}

/** What others are sealed under: the first of them, and each of them opens. More than one while they are exchanged. */
export type SealingKeys = readonly [KeyObject, ...KeyObject[]];

const SEALING_KEY_BYTES = 32;
const MOST_SEALING_KEYS = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Reads the keys that others are sealed under: a file of 32 bytes each, one after the other, its owner's alone (S62, S63).
 * @throws {StartRefusal} naming the file, what is wrong with it and what mends it
 */
export function readSealingKeys(path: string): SealingKeys {
  let bytes: Buffer;
  try {
    bytes = readGuarded(path, 0o077);
  } catch (error) {
    if (error instanceof StartRefusal) throw error;
    const mend =
      fileMend(error) ?? "it is made once for a database, and each of its servers has a copy (docs/postgresql.md)";
    throw new StartRefusal(`the key file ${path} cannot be read: ${(error as Error).message}; ${mend}`, error);
  }
  const count = bytes.length / SEALING_KEY_BYTES;
  if (!Number.isInteger(count) || count === 0 || count > MOST_SEALING_KEYS) {
    throw new StartRefusal(
      `the key file ${path} has ${bytes.length} bytes; allowed: ${SEALING_KEY_BYTES} random bytes, or while keys are exchanged ` +
        `up to ${MOST_SEALING_KEYS} times as many`,
    );
  }
  const keys = Array.from({ length: count }, (_, index) =>
    createSecretKey(bytes.subarray(index * SEALING_KEY_BYTES, (index + 1) * SEALING_KEY_BYTES)),
  );
  return keys as unknown as SealingKeys;
}

/** Makes a file for `readSealingKeys`. */
export function makeSealingKey(path: string, random: Randomness): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileDurably(path, random(SEALING_KEY_BYTES));
}

/** Private keys in rows that others may read, each under AES-256-GCM with its name and generation bound to it (S63). */
export function sealedKeyStore(rows: SealedKeyRows, sealingKeys: SealingKeys, random: Randomness): KeyStore {
  return {
    async load(name) {
      const row = await rows.newest(name);
      return row && openByAny(row.sealed, sealingKeys, { name, generation: row.generation });
    },
    generate: generateKey,
    async keep(name, key) {
      if (await rows.newest(name)) throw new Error(`the key ${name} exists already`);
      const identity = { name, generation: 1 };
      await rows.insert({ ...identity, sealed: seal(key, sealingKeys[0], identity, random) });
    },
    remove: (name) => rows.remove(name),
  };
}

/**
 * Seals under the first key what is sealed under another, as the next generation (S63). Done again it goes on where it was.
 * @returns the names of what it sealed now
 * @throws {StartRefusal} for what none of the keys opens
 */
export async function resealKeys(
  rows: SealedKeyRows,
  keys: SealingKeys,
  random: Randomness,
): Promise<readonly string[]> {
  const resealed: string[] = [];
  for (const name of await rows.names()) {
    const row = await rows.newest(name);
    if (!row || opened(row.sealed, keys[0], { name, generation: row.generation })) continue;
    const key = openByAny(row.sealed, keys, { name, generation: row.generation });
    const next = { name, generation: row.generation + 1 };
    await rows.insert({ ...next, sealed: seal(key, keys[0], next, random) });
    await rows.removeBefore(name, next.generation);
    resealed.push(name);
  }
  return resealed;
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

/** @throws {StartRefusal} where none of the keys opens it */
function openByAny(text: string, sealingKeys: SealingKeys, identity: Identity): KeyObject {
  for (const sealingKey of sealingKeys) {
    const key = opened(text, sealingKey, identity);
    if (key) return key;
  }
  throw new StartRefusal(
    `the key ${identity.name} in the database was not sealed under this server's key file, or was changed (S63): give it ` +
      "that of the other servers; where it is lost, docs/postgresql.md says how to make a new CA",
  );
}

function opened(text: string, sealingKey: KeyObject, identity: Identity): KeyObject | undefined {
  const sealed = Buffer.from(text, "base64url");
  try {
    const decipher = createDecipheriv("aes-256-gcm", sealingKey, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(boundTo(identity));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const der = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } catch {
    return undefined;
  }
}
