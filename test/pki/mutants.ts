/**
 * Reads and judges byte mutants of certificates of each key kind in a process of its own, because a crash of OpenSSL
 * takes the process with it (S10, S11). Arguments: seed, mutants a key kind. Prints one JSON line; exits 1 on anything
 * that is neither a certificate nor a refusal.
 */
import { createPublicKey } from "node:crypto";
import { pemOf } from "../../src/pki/pem.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { judgeMutant } from "../support/judge-mutant.ts";
import { testCa } from "../support/test-ca.ts";
import { testKeyKinds } from "../support/test-keys.ts";

const trustDomain = parseTrustDomain("shop.example");
const [seed = 1, count = 100] = process.argv.slice(2).map(Number);
const outcomes: Record<string, number> = {};
const random = randomFrom(seed);
const below = (limit: number) => Math.floor(random() * limit);

for (const kind of testKeyKinds) {
  const { der, privateKey } = testCa({ trustDomain, kind });
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const key = { start: Buffer.from(der).indexOf(spki), length: spki.length };
  for (let index = 0; index < count; index++) {
    const mutant = index % 2 === 0 ? mutate(der, { start: 0, length: der.length }) : mutate(der, key);
    const outcome = judgeMutant(pemOf(mutant), trustDomain, mutant);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
}
console.log(JSON.stringify(outcomes));

function mutate(der: Uint8Array, { start, length }: { start: number; length: number }): Uint8Array {
  const at = start + below(length);
  const bytes = [...der];
  const octet = [0, 1, 0x7f, 0x80, 0xff, below(256)][below(6)] as number;
  switch (below(6)) {
    case 0:
      bytes[at] = (bytes[at] as number) ^ (1 << below(8));
      break;
    case 1:
      bytes[at] = octet;
      break;
    case 2:
      bytes.fill(octet, at, at + below(8));
      break;
    case 3:
      bytes.splice(at, 1 + below(4));
      break;
    case 4:
      bytes.splice(at, 0, octet);
      break;
    default:
      for (let changes = 1 + below(4); changes > 0; changes--) bytes[start + below(length)] = below(256);
  }
  return Uint8Array.from(bytes);
}

/** mulberry32: the same numbers from the same seed, each in [0, 1). */
function randomFrom(start: number): () => number {
  let state = start | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
