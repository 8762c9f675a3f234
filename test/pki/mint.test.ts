import { createPublicKey } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCertificate } from "../../src/pki/certificate.ts";
import { mintCertificate } from "../../src/pki/mint.ts";
import { DAY_MS, SECOND_MS } from "../../src/time.ts";
import { type TestIdentity, testCa } from "../support/test-ca.ts";
import { testKey, testKeyKinds } from "../support/test-keys.ts";

const year = 365 * DAY_MS;
const now = Date.UTC(2026, 10, 24, 12);

describe.each(testKeyKinds)("A CA with a key of the kind %s", (kind) => {
  const root = testCa({ trustDomain: "shop.example", kind });
  const intermediate = root.intermediate({ kind, pathLength: 0 });
  const svid = intermediate.issueSvid("/till", { kind, ipAddresses: ["127.0.0.1"] });

  test("issues a chain that OpenSSL verifies link by link (R41)", () => {
    for (const [child, parent] of [
      [root, root],
      [intermediate, root],
      [svid, intermediate],
    ] as const) {
      expect(child.certificate.x509.checkIssued(parent.certificate.x509)).toBe(true);
      expect(child.certificate.x509.verify(createPublicKey(parent.privateKey))).toBe(true);
    }
    expect(svid.certificate.x509.verify(createPublicKey(root.privateKey))).toBe(false);
  });

  test("issues SVIDs with which two workloads make a mutual TLS connection, and a stranger makes none", async () => {
    expect(await mutualTls({ server: svid, client: intermediate.issueSvid("/stock", { kind }), trusted: root })).toBe(
      "spiffe://shop.example/stock",
    );
    const stranger = testCa({ trustDomain: "shop.example", kind }).issueSvid("/stock", { kind });
    const refused = await mutualTls({ server: svid, client: stranger, trusted: root }).catch(({ code }) => code);
    expect(String(refused)).not.toContain("spiffe://");
    await expect(mutualTls({ server: stranger, client: svid, trusted: root })).rejects.toThrow(/certificate|signature/);
  });
});

/** What the server reads as the client's URI SAN, over TLS with client certificates on loopback. */
async function mutualTls(parties: { server: TestIdentity; client: TestIdentity; trusted: TestIdentity }) {
  const context = (identity: TestIdentity) => ({
    cert: identity.certificatePem,
    key: identity.keyPem,
    ca: parties.trusted.certificatePem,
  });
  const server = tls.createServer({ ...context(parties.server), requestCert: true }, (socket) => {
    socket.end(socket.getPeerX509Certificate()?.subjectAltName ?? "");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = tls.connect({ ...context(parties.client), host: "127.0.0.1", port });
  let answer = "";
  client.on("data", (data) => {
    answer += data;
  });
  try {
    await once(client, "close");
    return answer.replace("URI:", "");
  } finally {
    server.close();
  }
}

describe("A minted certificate", () => {
  const root = testCa({ trustDomain: "shop.example", organization: "Shop", commonName: "Würzburg root" });
  const svid = root.issueSvid("/till", { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1", "::1"] });

  test("of a CA may sign certificates and nothing else (R37, R38)", () => {
    const { basicConstraints, keyUsage, extendedKeyUsage, selfIssued, subject } = root.certificate;
    expect(basicConstraints).toEqual({ critical: true, ca: true, pathLength: null });
    expect(keyUsage).toEqual({ critical: true, usages: new Set(["keyCertSign", "cRLSign"]) });
    expect({ extendedKeyUsage, selfIssued, subject }).toEqual({
      extendedKeyUsage: null,
      selfIssued: true,
      subject: "O=Shop, CN=Würzburg root",
    });
  });

  test("of a workload is an X509-SVID (R39 to R41)", () => {
    const { basicConstraints, keyUsage, extendedKeyUsage, subjectAltName } = svid.certificate;
    expect(basicConstraints).toEqual({ critical: true, ca: false, pathLength: null });
    expect(keyUsage).toEqual({ critical: true, usages: new Set(["digitalSignature"]) });
    expect(extendedKeyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    expect(subjectAltName).toEqual({
      uris: ["spiffe://shop.example/till"],
      dnsNames: ["localhost"],
      ipAddresses: ["127.0.0.1", "::1"],
      others: 0,
    });
  });

  test("names its key and its issuer's", () => {
    expect(svid.certificate.authorityKeyId).toBe(root.certificate.subjectKeyId);
    expect(root.certificate.authorityKeyId).toBe(root.certificate.subjectKeyId);
    expect(svid.certificate.subjectKeyId).not.toBe(root.certificate.subjectKeyId);
    expect(root.certificate.subjectKeyId).toMatch(/^[0-9a-f]{40}$/);
  });

  const privateKey = testKey("p256");
  const name = { commonName: "root" };
  const mint = (changes: { serial?: Uint8Array; notBefore?: number; notAfter?: number }) =>
    readCertificate(
      mintCertificate({
        subject: name,
        serial: Uint8Array.of(1),
        notBefore: now,
        notAfter: now + year,
        publicKey: createPublicKey(privateKey),
        issuer: { name, privateKey },
        ca: {},
        keyUsage: ["keyCertSign"],
        ...changes,
      }),
    );

  test("has a positive serial number in minimal form, whatever the bytes (RFC 5280, 4.1.2.2)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (bytes) => {
        const { serial } = mint({ serial: bytes });
        expect(serial.slice(1)).toEqual(bytes.slice(1));
        expect((serial[0] as number) >> 6).toBe(1);
      }),
    );
  });

  test("is valid in whole seconds, in this century and after it (RFC 5280, 4.1.2.5)", () => {
    const last = Date.UTC(9999, 11, 31, 23, 59, 59);
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1950, 0), max: last }), (notAfter) => {
        const read = mint({ notBefore: Date.UTC(1950, 0), notAfter });
        const whole = Math.floor(notAfter / SECOND_MS) * SECOND_MS;
        expect(read.notAfter).toBe(whole);
        expect(read.x509.validToDate.getTime()).toBe(whole);
      }),
      { examples: [[Date.UTC(2050, 0) - 1], [Date.UTC(2050, 0)], [last]] },
    );
  });
});
