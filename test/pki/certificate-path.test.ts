import { spawnSync } from "node:child_process";
import { createPublicKey, type KeyObject } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import forge from "node-forge";
import { describe, expect, it } from "vitest";
import { type Certificate, readCertificate } from "../../src/pki/certificate.ts";
import { pathFault } from "../../src/pki/certificate-path.ts";
import { type Asn1, encodeDer, sequence } from "../../src/pki/der.ts";
import { type CertificateRequest, mintCertificate } from "../../src/pki/mint.ts";
import { pemOf } from "../../src/pki/pem.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { editExtensions, extension, unknownCritical, weaklySigned } from "../support/certificate-surgery.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { sharedTestKey, testKey } from "../support/test-keys.ts";

const now = Date.now();
const uri = "spiffe://shop.example/till";

interface Made {
  readonly certificate: Certificate;
  readonly key: KeyObject;
}
let serial = 0;
/** A certificate that is a CA unless told otherwise; `below` nobody is a root. */
function make(
  commonName: string,
  below?: Made,
  more: Partial<CertificateRequest> = {},
  edits: readonly Asn1[] = [],
): Made {
  const key = testKey("p256");
  const issuer = below ? { name: below.certificate, privateKey: below.key } : { name: { commonName }, privateKey: key };
  const der = mintCertificate({
    subject: { commonName },
    serial: Buffer.from([1, 2, 3, serial++]),
    notBefore: now - HOUR_MS,
    notAfter: now + DAY_MS,
    publicKey: createPublicKey(key),
    issuer,
    ca: {},
    keyUsage: ["keyCertSign"],
    ...more,
  });
  const edited = edits.length > 0 ? editExtensions(der, issuer.privateKey, (list) => [...list, ...edits]) : der;
  return { certificate: readCertificate(edited), key };
}
const { ca: _, ...noCa } = { ca: {} };
function leaf(below: Made, more: Partial<CertificateRequest> = {}, edits: readonly Asn1[] = []): Made {
  const key = sharedTestKey("p256");
  const der = mintCertificate({
    subject: { commonName: "till" },
    serial: Buffer.from([9, 9, 9, serial++]),
    notBefore: now - HOUR_MS,
    notAfter: now + DAY_MS,
    publicKey: createPublicKey(key),
    issuer: { name: below.certificate, privateKey: below.key },
    keyUsage: ["digitalSignature"],
    uris: [uri],
    ...noCa,
    ...more,
  });
  const edited = edits.length > 0 ? editExtensions(der, below.key, (list) => [...list, ...edits]) : der;
  return { certificate: readCertificate(edited), key };
}

const { Class, create } = forge.asn1;
/** URI name constraints: `permitted` and `excluded` hosts. */
function constraints(permitted: readonly string[], excluded: readonly string[] = []): Asn1 {
  const list = (tag: number, hosts: readonly string[]) =>
    hosts.length === 0
      ? []
      : [
          create(
            Class.CONTEXT_SPECIFIC,
            tag,
            true,
            hosts.map((host) => sequence(create(Class.CONTEXT_SPECIFIC, 6, false, host))),
          ),
        ];
  return extension("2.5.29.30", encodeDer(sequence(...list(0, permitted), ...list(1, excluded))), true);
}

const root = make("root");
const chain = (...made: readonly Made[]) => made.map(({ certificate }) => certificate);
const below = (anchor: Made) => chain(leaf(anchor), anchor);
const through = (middle: Made, anchor = root) => chain(leaf(middle), middle, anchor);

const HOLDS: [string, () => Certificate[]][] = [
  ["a leaf below its CA", () => below(root)],
  ["an intermediate between", () => through(make("middle", root))],
  ["a path length that suffices", () => below(make("root", undefined, { ca: { pathLength: 0 } }))],
  ["a URI within the permitted host", () => below(make("root", undefined, {}, [constraints(["shop.example"])]))],
  ["a URI below a permitted domain", () => below(make("root", undefined, {}, [constraints([".example"])]))],
  ["another host excluded", () => through(make("middle", root, {}, [constraints([], ["bank.example"])]))],
];
const BREAKS: [string, () => Certificate[], RegExp][] = [
  [
    "the signature of another key",
    () => chain(leaf({ ...root, key: testKey("p256") }), root),
    /the certificate was not issued by the auth/,
  ],
  ["the key of another CA of the same name", () => chain(leaf(make("root")), root), /was not issued by/],
  ["another issuer's name", () => chain(leaf({ ...make("other"), key: root.key }), root), /was not issued by/],
  [
    "a leaf as an issuer",
    () => through(make("middle", root, { ca: undefined } as never)),
    /intermediate 1 is not a CA/,
  ],
  [
    "an issuer that may not sign certificates",
    () => through(make("middle", root, { keyUsage: ["cRLSign"] })),
    /intermediate 1 may not sign|not issued/,
  ],
  [
    "more intermediates than the anchor allows",
    () => {
      const anchor = make("short", undefined, { ca: { pathLength: 0 } });
      return through(make("middle", anchor), anchor);
    },
    /the authority allows 0 intermediates below it, not 1/,
  ],
  ["an expired leaf", () => chain(leaf(root, { notAfter: now - 1000 }), root), /the certificate expired/],
  ["a leaf of tomorrow", () => chain(leaf(root, { notBefore: now + HOUR_MS }), root), /is not valid before/],
  ["an expired intermediate", () => through(make("middle", root, { notAfter: now - 1000 })), /intermediate 1 expired/],
  ["an expired anchor", () => below(make("old", undefined, { notAfter: now - 1000 })), /the authority expired/],
  ["an unknown critical extension", () => chain(leaf(root, {}, [unknownCritical()]), root), /critical and unknown/],
  [
    "a URI outside what the anchor permits",
    () => below(make("root", undefined, {}, [constraints(["bank.example", ".shop.example"])])),
    /the authority has name constraints/,
  ],
  [
    "a URI that an intermediate excludes",
    () => through(make("middle", root, {}, [constraints([], [".example"])])),
    /intermediate 1 has name constraints/,
  ],
];
/** OpenSSL lets these pass. */
const STRICTER: [string, () => Certificate[], RegExp][] = [
  ["a leaf that is a CA (R40)", () => chain(leaf(root, { ca: {} }), root), /the certificate is that of a CA/],
  [
    "a leaf with a SHA-1 signature",
    () => {
      const rsa = testKey("rsa");
      const anchor = make("rsa", undefined, {
        publicKey: createPublicKey(rsa),
        issuer: { name: { commonName: "rsa" }, privateKey: rsa },
      });
      const signed = leaf({ ...anchor, key: rsa });
      return [readCertificate(weaklySigned(signed.certificate.der, rsa, "sha1")), anchor.certificate];
    },
    /a signature with sha1/,
  ],
];

describe("a path of certificates", () => {
  it.each(HOLDS)("holds: %s", (_name, path) => {
    expect(pathFault(path(), now)).toBeNull();
  });

  it.each([...BREAKS, ...STRICTER])("breaks: %s", (_name, path, message) => {
    expect(pathFault(path(), now)).toMatch(message);
  });
});

const hasOpenssl = spawnSync("openssl", ["version"]).error === undefined;
if (!hasOpenssl) console.warn("paths are not compared with OpenSSL's own verification: this machine has no openssl");

describe.skipIf(!hasOpenssl)("S14: `openssl verify` is of the same mind", () => {
  function opensslHolds(path: readonly Certificate[]): boolean {
    const folder = temporaryFolder();
    const file = (name: string, certificates: readonly Certificate[]) => {
      writeFileSync(join(folder, name), certificates.map(({ der }) => pemOf(der)).join(""));
      return join(folder, name);
    };
    const untrusted = file("untrusted.pem", path.slice(1));
    const options = ["-CAfile", file("anchor.pem", path.slice(-1)), "-untrusted", untrusted, "-partial_chain"];
    return spawnSync("openssl", ["verify", ...options, file("leaf.pem", path.slice(0, 1))]).status === 0;
  }

  it.each(HOLDS)("holds: %s", (_name, path) => {
    expect(opensslHolds(path())).toBe(true);
  });

  it.each(BREAKS)("breaks: %s", (_name, path) => {
    expect(opensslHolds(path())).toBe(false);
  });
});
