import { randomBytes, X509Certificate } from "node:crypto";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { certificateFile, openBrokerAuthority } from "../../src/identity/broker-authority.ts";
import { renewAt } from "../../src/identity/certificate-rotation.ts";
import { fileKeyStore } from "../../src/identity/key-store.ts";
import { issueSvid, issueWebCertificate, LONGEST_LIFE_MS, type ServingCertificate } from "../../src/identity/svid.ts";
import { readCertificate } from "../../src/pki/certificate.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { DAY_MS, HOUR_MS, SECOND_MS } from "../../src/time.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { tlsHandshake } from "../support/tls-handshake.ts";

const newAuthority = () => {
  const dataFolder = temporaryFolder();
  return openBrokerAuthority({
    certificates: certificateFile(join(dataFolder, "broker-ca.pem")),
    keys: fileKeyStore(join(dataFolder, "keys")),
    trustDomain: parseTrustDomain("broker.example"),
    now: Date.now(),
    random: randomBytes,
  });
};

const issuance = async (hosts: readonly string[] = [], lifeMs = HOUR_MS) => ({
  authority: await newAuthority(),
  hosts,
  now: Date.now(),
  lifeMs,
  random: randomBytes,
});

const leafOf = (certificate: ServingCertificate) => readCertificate(new X509Certificate(certificate.chainPem).raw);

describe("the broker's X509-SVID", () => {
  it("R39, R40, R41: has exactly one URI SAN, is no CA, and may do what an SVID may and no more", async () => {
    const leaf = leafOf(issueSvid(await issuance()));
    expect(leaf.subjectAltName.uris).toEqual(["spiffe://broker.example/bundle-endpoint"]);
    expect(leaf.basicConstraints).toMatchObject({ ca: false });
    expect(leaf.keyUsage).toEqual({ critical: true, usages: new Set(["digitalSignature"]) });
    expect(leaf.extendedKeyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  });

  it("is issued by the broker's CA, and says so with key identifiers", async () => {
    const options = await issuance();
    const leaf = leafOf(issueSvid(options));
    expect(leaf.x509.checkIssued(options.authority.certificate.x509)).toBe(true);
    expect(leaf.authorityKeyId).toBe(options.authority.certificate.subjectKeyId);
    expect(leaf.subjectKeyId).toMatch(/^[0-9a-f]{40}$/);
  });

  it("has a new key and serial number each time", async () => {
    const options = await issuance();
    const [one, two] = [leafOf(issueSvid(options)), leafOf(issueSvid(options))];
    expect(one.publicKey.fingerprint).not.toBe(two.publicKey.fingerprint);
    expect(one.serial).not.toEqual(two.serial);
  });

  it("lives at most as long as the CA", async () => {
    const options = await issuance([], 10 * DAY_MS);
    const { notAfter } = options.authority.certificate;
    expect(issueSvid({ ...options, now: notAfter - DAY_MS }).notAfter).toBe(notAfter);
  });

  it("lives at most 30 days, whatever is asked: a roll-over of the CA waits for that long", async () => {
    const options = await issuance([], 20 * 365 * DAY_MS);
    expect(issueSvid(options).notAfter).toBe(options.now + LONGEST_LIFE_MS);
    expect(LONGEST_LIFE_MS).toBe(30 * DAY_MS);
  });

  it("is valid a while before now, but of any life is renewed after now", async () => {
    const options = await issuance();
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 30 * 86_400 }), (seconds) => {
        const { notBefore, notAfter } = issueSvid({ ...options, lifeMs: seconds * SECOND_MS });
        expect(notBefore).toBeLessThan(options.now);
        expect(renewAt(notBefore, notAfter)).toBeGreaterThan(options.now + seconds * 400);
      }),
      { numRuns: 20 },
    );
  });
});

describe("hosts", () => {
  it("are names and addresses of their kind, each once, with the loopback ones always there", async () => {
    const { subjectAltName } = leafOf(
      issueSvid(await issuance(["Broker.Example", "broker.example", "10.0.0.7", "2001:db8::7", "::1"])),
    );
    expect(subjectAltName.dnsNames).toEqual(["broker.example", "localhost"]);
    expect(subjectAltName.ipAddresses.toSorted()).toEqual(["10.0.0.7", "127.0.0.1", "2001:db8::7", "::1"]);
  });

  it("leave out addresses that only bind", async () => {
    const { subjectAltName } = leafOf(issueWebCertificate(await issuance(["0.0.0.0", "::"])));
    expect(subjectAltName.ipAddresses.toSorted()).toEqual(["127.0.0.1", "::1"]);
  });
});

describe("over real TLS", () => {
  it.each(["localhost", "127.0.0.1", "::1", "broker.example"])(
    "R67, R68: a web client that trusts the broker's CA accepts its web certificate as %s",
    async (host) => {
      const options = await issuance(["broker.example"]);
      const result = await tlsHandshake(issueWebCertificate(options), { ca: options.authority.certificatePem, host });
      expect(result).toEqual({ authorized: true });
    },
  );

  it("the web certificate has no SPIFFE ID, and is refused under a name it does not have", async () => {
    const options = await issuance();
    const certificate = issueWebCertificate(options);
    expect(leafOf(certificate).subjectAltName.uris).toEqual([]);
    const result = await tlsHandshake(certificate, { ca: options.authority.certificatePem, host: "other.example" });
    expect(result).toEqual({ authorized: false, error: "ERR_TLS_CERT_ALTNAME_INVALID" });
  });

  it("R81: the SVID verifies with the broker's own root and with no other broker's", async () => {
    const options = await issuance();
    const svid = issueSvid(options);
    const own = { ca: options.authority.certificatePem, host: "localhost" };
    expect(await tlsHandshake(svid, own)).toEqual({ authorized: true });
    const other = { ...own, ca: (await newAuthority()).certificatePem };
    expect(await tlsHandshake(svid, other)).toMatchObject({ authorized: false });
  });
});
