import { createPublicKey, randomBytes } from "node:crypto";
import forge from "node-forge";
import { type Asn1, encodeDer, oid, sequence, value } from "../../src/pki/der.ts";
import { mintCertificate } from "../../src/pki/mint.ts";
import { spiffeIdOf } from "../../src/spiffe/spiffe-id.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { editExtensions, extension } from "./certificate-surgery.ts";
import type { TestCa } from "./test-ca.ts";

const { Class, Type, create } = forge.asn1;

const implicit = (tag: number, content: string) => create(Class.CONTEXT_SPECIFIC, tag, false, content);
const explicit = (tag: number, ...members: Asn1[]) => create(Class.CONTEXT_SPECIFIC, tag, true, members);
const uri = (text: string) => implicit(6, text);
const subtrees = (...names: Asn1[]) => names.map((name) => sequence(name));

/** Each extension that Go or OpenSSL reads in a CA certificate, beside those that every CA of ours has. */
const EXTENSIONS: Readonly<Record<string, Asn1>> = {
  "2.5.29.30": sequence(
    explicit(0, ...subtrees(uri(".shop.example"), implicit(2, "shop.example"), implicit(1, "a@shop.example"))),
    explicit(1, ...subtrees(implicit(7, "\x0a\0\0\0\xff\0\0\0"))),
  ),
  "2.5.29.31": sequence(sequence(explicit(0, explicit(0, uri("http://crl.shop.example"))))),
  "2.5.29.32": sequence(sequence(oid("1.2.3.4")), sequence(oid("2.23.140.1.2.1"))),
  "2.5.29.33": sequence(sequence(oid("1.2.3.4"), oid("1.2.3.5"))),
  "2.5.29.36": sequence(implicit(0, "\x03"), implicit(1, "\x01")),
  "2.5.29.54": value(Type.INTEGER, "\x02"),
  "1.3.6.1.5.5.7.1.1": sequence(sequence(oid("1.3.6.1.5.5.7.48.1"), uri("http://ocsp.shop.example"))),
};

/**
 * An acceptable intermediate of the root's own key, with every kind of extension and of alternative name. Nobody checks
 * an intermediate's signature, so that what is changed about it is judged for itself.
 */
export function richCertificate({ trustDomain, privateKey, certificate }: TestCa): Uint8Array {
  const plain = mintCertificate({
    subject: { commonName: "everything", organization: "Shop" },
    serial: randomBytes(16),
    notBefore: Date.now() - HOUR_MS,
    notAfter: Date.now() + 365 * DAY_MS,
    publicKey: createPublicKey(privateKey),
    issuer: { name: certificate, privateKey },
    ca: { pathLength: 1 },
    keyUsage: ["keyCertSign", "cRLSign"],
    extendedKeyUsage: ["serverAuth"],
    uris: [spiffeIdOf(trustDomain, "")],
    dnsNames: ["ca.shop.example"],
    ipAddresses: ["10.0.0.1", "2001:db8::1"],
  });
  return editExtensions(plain, privateKey, (list) => [
    ...list,
    ...Object.entries(EXTENSIONS).map(([id, content]) => extension(id, encodeDer(content), false)),
  ]);
}
