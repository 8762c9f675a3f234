import { generateKeyPairSync, type KeyObject } from "node:crypto";

export type TestKeyKind = "rsa" | "p256" | "p384" | "p521" | "ed25519";

export const testKeyKinds: readonly TestKeyKind[] = ["rsa", "p256", "p384", "p521", "ed25519"];

/** A fresh private key: 2048 bits for RSA, which takes about a tenth of a second; the others take none. */
export function testKey(kind: TestKeyKind): KeyObject {
  switch (kind) {
    case "rsa":
      return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    case "p256":
      return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    case "p384":
      return generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    case "p521":
      return generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey;
    case "ed25519":
      return generateKeyPairSync("ed25519").privateKey;
  }
}

const shared = new Map<TestKeyKind, KeyObject>();

/** The same private key for every call of the process: for leafs, whose key no test looks at. */
export function sharedTestKey(kind: TestKeyKind): KeyObject {
  const key = shared.get(kind) ?? testKey(kind);
  shared.set(kind, key);
  return key;
}
