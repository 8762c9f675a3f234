import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { syncFolder, writeFileDurably } from "../durable-file.ts";
import { asStartRefusal, StartRefusal } from "../start-refusal.ts";

export type StoredKeyKind = "P-256" | "P-384" | "Ed25519";

/** Where the broker's own private keys lie. Names are constants of the program, such as `broker-ca`. */
export interface KeyStore {
  /** @throws {StartRefusal} when the key is there but cannot be used */
  load(name: string): Promise<KeyObject | undefined>;
  /** Makes a key that nothing keeps yet. */
  generate(kind: StoredKeyKind): KeyObject;
  /** Keeps a key: it is as durable as the store when this resolves. Never replaces one. */
  keep(name: string, key: KeyObject): Promise<void>;
  /** Removes a key for good; one that is not there is removed already. */
  remove(name: string): Promise<void>;
}

/** Makes a key and keeps it. */
export async function createKey(keys: KeyStore, name: string, kind: StoredKeyKind): Promise<KeyObject> {
  const key = keys.generate(kind);
  await keys.keep(name, key);
  return key;
}

/** Keys as PKCS#8 PEM files in `folder`, each readable by its owner only (S62). */
export function fileKeyStore(folder: string): KeyStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const pathOf = (name: string): string => join(folder, `${name}.pem`);
  return {
    async load(name) {
      const path = pathOf(name);
      // A folder that may not be looked into is an error, and no folder without the key: nobody is to make another CA.
      return statSync(path, { throwIfNoEntry: false }) ? readKeyFile(path, 0o077) : undefined;
    },
    generate: generateKey,
    async keep(name, key) {
      if (existsSync(pathOf(name))) throw new Error(`the key ${name} exists already`);
      writeFileDurably(pathOf(name), key.export({ type: "pkcs8", format: "pem" }) as string);
    },
    async remove(name) {
      rmSync(pathOf(name), { force: true });
      syncFolder(folder);
    },
  };
}

/**
 * Reads a PEM private key from a file that has none of the permission bits `forbidden`.
 * @throws {StartRefusal} naming the file, what is wrong with it and what mends it (S62)
 */
export function readKeyFile(path: string, forbidden: number): KeyObject {
  try {
    return createPrivateKey(readGuarded(path, forbidden));
  } catch (error) {
    throw (
      asStartRefusal(error) ??
      new StartRefusal(`${path} is not a readable PEM private key; restore it from a backup`, error)
    );
  }
}

/**
 * A secret file's content. Permissions and content are those of one open file, so that no swap comes between them.
 * @throws {StartRefusal} when it has one of the permission bits `forbidden` (S62)
 */
export function readGuarded(path: string, forbidden: number): Buffer {
  const file = openSync(path, "r");
  try {
    const mode = fstatSync(file).mode & 0o777;
    if ((mode & forbidden) === 0) return readFileSync(file);
    throw new StartRefusal(
      `${path} is a private key with mode 0${mode.toString(8)}, which lets others at it (S62); ` +
        `chmod 600 it, and replace the key if somebody else can have read it`,
    );
  } finally {
    closeSync(file);
  }
}

export function generateKey(kind: StoredKeyKind): KeyObject {
  return kind === "Ed25519"
    ? generateKeyPairSync("ed25519").privateKey
    : generateKeyPairSync("ec", { namedCurve: kind }).privateKey;
}
