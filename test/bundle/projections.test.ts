import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readBundleDocument } from "../../src/bundle/bundle-document.ts";
import { renderProjections, revisionDigest } from "../../src/bundle/projections.ts";
import { canonicalOrder } from "../../src/bundle/published.ts";
import { readUpload } from "../../src/bundle/upload.ts";
import { parseJson } from "../../src/json/parse-json.ts";
import type { Authority } from "../../src/pki/authority.ts";
import { jwtAuthority } from "../../src/pki/jwt-key.ts";
import { testCa } from "../support/test-ca.ts";
import { testKeyKinds } from "../support/test-keys.ts";
import { jwtEntry, NOW, shopCa, TRUST_DOMAIN } from "./entries.ts";
import { readAsGoSpiffe, readAsIstiod } from "./strict-consumer.ts";

/** Every kind of authority that the broker lets in. */
const everyKind: readonly Authority[] = [
  ...testKeyKinds.map((kind) => testCa({ trustDomain: TRUST_DOMAIN, kind }).authority(NOW)),
  testCa({ trustDomain: TRUST_DOMAIN, privateKey: shopCa.privateKey }).authority(NOW),
  shopCa.authority(NOW),
  shopCa.intermediate({ uris: [] }).authority(NOW),
  ...(await Promise.all(
    (["rsa", "p256", "p384", "p521"] as const).map((kind) => jwtAuthority(jwtEntry(`${kind} é"\\\u{1F511}`, {}, kind))),
  )),
];
const authorities = fc.shuffledSubarray([...everyKind]);
const hint = fc.integer({ min: 1, max: 86_400 });
const sequence = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

const fingerprints = (list: readonly Authority[], type: Authority["type"]) =>
  canonicalOrder(list)
    .filter((authority) => authority.type === type)
    .map(({ fingerprint }) => fingerprint);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("the SPIFFE document (spiffe-conformance.md §2.6 (b))", () => {
  test("read again, it is the same authorities, sequence and hint", async () => {
    await fc.assert(
      fc.asyncProperty(authorities, hint, sequence, async (list, refreshHintSeconds, number) => {
        const { body } = renderProjections(list, refreshHintSeconds, number).spiffe;
        const { warnings, places, ...read } = await readBundleDocument(parseJson(body), TRUST_DOMAIN, NOW);
        expect(read).toEqual({ authorities: canonicalOrder(list), sequence: BigInt(number), refreshHintSeconds });
        const ofTheCa = ["no-spiffe-id", "not-self-signed"];
        expect(warnings.filter(({ code }) => !ofTheCa.includes(code))).toEqual([]);
      }),
    );
  });

  test("the strictest consumer reads every certificate and every kid (R25, R33, R34, R43)", () => {
    fc.assert(
      fc.property(authorities, hint, sequence, (list, refreshHint, number) => {
        const accepted = readAsGoSpiffe(renderProjections(list, refreshHint, number).spiffe.body);
        expect(accepted).toMatchObject({ refreshHint, sequence: number });
        expect(accepted.certificates.map(({ raw }) => sha256(raw))).toEqual(fingerprints(list, "x509"));
        expect(accepted.keyIds.toSorted()).toEqual(
          list.flatMap((one) => (one.type === "jwt" ? one.keyId : [])).toSorted(),
        );
      }),
    );
  });

  test("is written in one way: canonical members, no white space, in UTF-8", () => {
    const { spiffe } = renderProjections([shopCa.authority(NOW)], 300, 4294967298);
    const { certificate, jwk } = shopCa.authority(NOW);
    const { x, y } = jwk as { x: string; y: string };
    expect(spiffe.contentType).toBe("application/json");
    expect(spiffe.body.toString()).toBe(
      `{"keys":[{"crv":"P-256","kty":"EC","use":"x509-svid","x":"${x}","x5c":["${certificate}"],"y":"${y}"}],` +
        `"spiffe_refresh_hint":300,"spiffe_sequence":4294967298}`,
    );
  });

  test("of no authorities is a tombstone: `keys` is an array, never null or absent (R19, R21)", () => {
    const { spiffe, istio } = renderProjections([], 60, 2);
    expect(spiffe.body.toString()).toBe('{"keys":[],"spiffe_refresh_hint":60,"spiffe_sequence":2}');
    expect(istio.body).toEqual(spiffe.body);
  });
});

describe("the Istio document", () => {
  test("holds every certificate and nothing else", () => {
    fc.assert(
      fc.property(authorities, (list) => {
        fc.pre(list.some(({ type }) => type === "x509"));
        const { istio } = renderProjections(list, 300, 1);
        expect(istio.contentType).toBe("application/json");
        expect(readAsIstiod(istio.body).map(({ raw }) => sha256(raw))).toEqual(fingerprints(list, "x509"));
      }),
    );
  });
});

describe("the PEM", () => {
  test("read again, it is the X.509 authorities", async () => {
    await fc.assert(
      fc.asyncProperty(authorities, async (list) => {
        fc.pre(list.some(({ type }) => type === "x509"));
        const { pem } = renderProjections(list, 300, 1);
        const { authorities: read } = await readUpload({ pem: pem.body.toString() }, TRUST_DOMAIN, NOW);
        expect(read).toEqual(canonicalOrder(list).filter(({ type }) => type === "x509"));
      }),
    );
  });

  test("has a type of its own, and no block where there is no certificate", async () => {
    const { pem } = renderProjections([await jwtAuthority(jwtEntry("k"))], 300, 1);
    expect(pem).toEqual({ contentType: "application/pem-certificate-chain", body: Buffer.alloc(0) });
  });
});

test("the order in which authorities come changes no byte of any projection, nor the digest", () => {
  fc.assert(
    fc.property(authorities, (list) => {
      const sorted = list.toSorted((a, b) => (a.keyFingerprint < b.keyFingerprint ? -1 : 1));
      expect(renderProjections(list, 300, 7)).toEqual(renderProjections(sorted, 300, 7));
      expect(revisionDigest(list, 300)).toBe(revisionDigest(sorted, 300));
    }),
  );
});

describe("the digest of a revision", () => {
  test("is SHA-256 of the document without its sequence", () => {
    fc.assert(
      fc.property(authorities, hint, sequence, (list, refreshHint, number) => {
        const { body } = renderProjections(list, refreshHint, number).spiffe;
        const withoutSequence = body.toString().replace(/,"spiffe_sequence":\d+\}$/, "}");
        expect(revisionDigest(list, refreshHint)).toBe(sha256(Buffer.from(withoutSequence)));
      }),
    );
  });

  test("differs with the keys, with a kid and with the hint", async () => {
    const jwt = await jwtAuthority(jwtEntry("a"));
    const digests = [
      revisionDigest([], 300),
      revisionDigest([], 301),
      revisionDigest([jwt], 300),
      revisionDigest([{ ...jwt, keyId: "b" }], 300),
      revisionDigest([shopCa.authority(NOW)], 300),
      revisionDigest([shopCa.authority(NOW), jwt], 300),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });
});
