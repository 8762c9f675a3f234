import { randomBytes, X509Certificate } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { certificateFile, openBrokerAuthority } from "../../src/identity/broker-authority.ts";
import { fileKeyStore } from "../../src/identity/key-store.ts";
import { issueSvid } from "../../src/identity/svid.ts";
import { x509Authority } from "../../src/pki/authority-profile.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { StartRefusal } from "../../src/start-refusal.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const NOW = Date.UTC(2026, 10, 24, 12);
const BROKER = parseTrustDomain("broker.example");

const open = (dataFolder: string, trustDomain = BROKER, now = NOW) =>
  openBrokerAuthority({
    certificates: certificateFile(join(dataFolder, "broker-ca.pem")),
    keys: fileKeyStore(join(dataFolder, "keys")),
    trustDomain,
    now,
    random: randomBytes,
  });

describe("the broker's own CA", () => {
  it("R37, R88: passes the profile that every mesh's CA must pass, without a warning", async () => {
    const { certificate } = await open(temporaryFolder());
    expect(x509Authority(certificate.der, BROKER, NOW).warnings).toEqual([]);
  });

  it("R12, R34, R41: is self-signed, has the trust domain's SPIFFE ID without a path, and may sign only", async () => {
    const { certificate } = await open(temporaryFolder());
    expect(certificate.subjectAltName.uris).toEqual(["spiffe://broker.example"]);
    expect(certificate.keyUsage).toEqual({ critical: true, usages: new Set(["keyCertSign", "cRLSign"]) });
    expect(certificate.subjectKeyId).toMatch(/^[0-9a-f]{40}$/);
    expect(certificate.selfIssued).toBe(true);
    expect(certificate.notAfter - NOW).toBeGreaterThan(3_650 * DAY_MS);
  });

  it("has a subject within X.520's 64 characters for the longest trust domain", async () => {
    const { certificate } = await open(temporaryFolder(), parseTrustDomain("a".repeat(255)));
    const [, commonName] = /CN=(.*)$/.exec(certificate.subject) ?? [];
    expect(commonName?.length).toBe(64);
  });

  it("is the same after a restart", async () => {
    const folder = temporaryFolder();
    const later = await open(folder, BROKER, NOW + DAY_MS);
    expect((await open(folder)).certificate.fingerprint).toBe(later.certificate.fingerprint);
  });

  it("is issued anew for the same key when only the certificate is lost, and verifies what the old one issued", async () => {
    const folder = temporaryFolder();
    const authority = await open(folder);
    const svid = issueSvid({ authority, hosts: [], now: NOW, lifeMs: HOUR_MS, random: randomBytes });
    rmSync(join(folder, "broker-ca.pem"));
    const { certificate: again } = await open(folder);
    expect(again.publicKey.fingerprint).toBe(authority.certificate.publicKey.fingerprint);
    const leaf = new X509Certificate(svid.chainPem);
    expect(leaf.checkIssued(again.x509) && leaf.verify(again.publicKey.object)).toBe(true);
  });

  it("of another trust domain refuses to start: the broker's name is fixed at its first start", async () => {
    const folder = temporaryFolder();
    await open(folder);
    const other = () => open(folder, parseTrustDomain("other.example"));
    await expect(other()).rejects.toThrow(StartRefusal);
    await expect(other()).rejects.toThrow(/trustDomain is other\.example, but .* is of spiffe:\/\/broker\.example/);
  });

  it("refuses to start without its key instead of becoming another CA in silence", async () => {
    const folder = temporaryFolder();
    await open(folder);
    rmSync(join(folder, "keys", "broker-ca.pem"));
    await expect(open(folder)).rejects.toThrow(
      /key of .*broker-ca\.pem is missing; restore broker-ca or broker-ca-[0-9a-f]{16}, or remove /,
    );
  });

  it("refuses to start with the key of another CA", async () => {
    const [folder, other] = [temporaryFolder(), temporaryFolder()];
    await open(folder);
    await open(other);
    writeFileSync(join(folder, "broker-ca.pem"), readFileSync(join(other, "broker-ca.pem")));
    await expect(open(folder)).rejects.toThrow(
      /key of .*broker-ca\.pem is missing; restore broker-ca-[0-9a-f]{16}, or remove /,
    );
  });

  it("refuses to start with a certificate file that is none", async () => {
    const folder = temporaryFolder();
    await open(folder);
    writeFileSync(join(folder, "broker-ca.pem"), "lost");
    await expect(open(folder)).rejects.toThrow(StartRefusal);
  });
});
