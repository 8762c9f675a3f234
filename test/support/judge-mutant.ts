import { X509Certificate } from "node:crypto";
import { Refusal } from "../../src/errors.ts";
import { x509Authority } from "../../src/pki/authority-profile.ts";
import { certificatesFromPem } from "../../src/pki/pem.ts";
import type { TrustDomain } from "../../src/spiffe/trust-domain.ts";
import { derFault } from "./strict-der.ts";

/**
 * What becomes of a broken certificate that is uploaded as PEM: `accepted`, or the code of the refusal. What is accepted
 * is what was sent, OpenSSL reads it and writes it in the same bytes, and it is DER (S9, S11).
 * @throws {Error} for anything else, with the text
 */
export function judgeMutant(pem: string, trustDomain: TrustDomain, sent?: Uint8Array): string {
  try {
    const [der = new Uint8Array()] = certificatesFromPem(pem);
    const { certificate } = x509Authority(der, trustDomain, Date.now()).authority;
    const kept = Buffer.from(certificate, "base64");
    const openssl = new X509Certificate(kept);
    if (!kept.equals(sent ?? der)) throw new Error("accepted as other bytes");
    if (!openssl.raw.equals(kept)) throw new Error("OpenSSL writes other bytes");
    if (openssl.publicKey.type !== "public") throw new Error("OpenSSL reads no public key");
    const fault = derFault(kept);
    if (fault) throw new Error(`accepted, and no DER: ${fault}`);
    return "accepted";
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw new Error(`a mutant is neither accepted nor refused: ${JSON.stringify(pem)}`, { cause: error });
  }
}
