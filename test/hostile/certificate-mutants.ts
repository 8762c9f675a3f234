/**
 * Breaks certificates of one key kind everywhere: cut off at every length, and at every byte another value, a byte less,
 * a byte more; and the PEM of one at every character. In a process of its own, because a crash of OpenSSL takes the process with it (S10, S11). Arguments: key
 * kind, other values a byte (1 to 255), the first of them in the list. Prints one JSON line of outcomes; exits 1 on
 * anything that is neither accepted nor refused.
 */
import { pemOf } from "../../src/pki/pem.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { judgeMutant } from "../support/judge-mutant.ts";
import { richCertificate } from "../support/rich-certificate.ts";
import { testCa } from "../support/test-ca.ts";
import type { TestKeyKind } from "../support/test-keys.ts";

const trustDomain = parseTrustDomain("shop.example");
const [kind = "p256", values = "2", first = "0"] = process.argv.slice(2);
const outcomes: Record<string, number> = {};
const note = (outcome: string) => {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
};

/** What breaks a reader most often comes first: each bit, the ends of the ranges, the tags of ASN.1, then all others. */
const telling = (was: number): readonly number[] => {
  const bits = [0, 1, 2, 3, 4, 5, 6, 7].map((bit) => was ^ (1 << bit));
  const ends = [0, 1, 0x7f, 0x80, 0xff, 2, 3, 4, 5, 6, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1f, 0x30, 0x31, 0x81, 0x9f];
  const all = Array.from({ length: 256 }, (_, octet) => octet);
  return [...new Set([...bits, ...ends, ...all])].filter((octet) => octet !== was);
};

function* mutantsOf(der: Uint8Array): Generator<Uint8Array> {
  const spliced = (at: number, removed: number, ...put: number[]) => {
    const bytes = [...der];
    bytes.splice(at, removed, ...put);
    return Uint8Array.from(bytes);
  };
  for (const [at, was] of der.entries()) {
    if (at > 0) yield der.slice(0, at);
    yield spliced(at, 1);
    yield spliced(at, 0, was);
    const others = telling(was);
    for (let step = 0; step < Number(values); step++)
      yield spliced(at, 1, others[(Number(first) + at * Number(values) + step) % others.length] as number);
  }
}

const root = testCa({ trustDomain, kind: kind as TestKeyKind, organization: "Shop" });
for (const der of [root.der, richCertificate(root)]) {
  for (const mutant of mutantsOf(der)) {
    note(judgeMutant(pemOf(mutant), trustDomain, mutant));
  }
}
const pem = pemOf(root.der);
for (let at = 0; at < pem.length; at++) {
  note(judgeMutant(pem.slice(0, at), trustDomain));
  for (const put of ["", "\0", "\n", "-", "=", "A", "\u00e9"])
    note(judgeMutant(pem.slice(0, at) + put + pem.slice(at + 1), trustDomain));
}
console.log(JSON.stringify(outcomes));
