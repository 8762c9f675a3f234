import { constants, createPrivateKey, X509Certificate } from "node:crypto";
import type { SecureContextOptions } from "node:tls";

/** A PEM certificate chain, leaf first, and its PEM private key. */
export interface ServingCertificate {
  readonly cert: string;
  readonly key: string;
}

/** OpenSSL takes a certificate and a key of two kinds without a word. @throws {Error} when the pair does not fit */
export function requireFittingKey({ cert, key }: ServingCertificate): void {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new Error("the private key is not that of the serving certificate");
  }
}

/**
 * Mozilla "intermediate" (R57, S57). AES-128-GCM comes first and no session ticket is made: SPIRE opens a new connection for
 * each poll and never resumes, so that both are the cheapest choice.
 */
export const tlsOptions = ({ cert, key }: ServingCertificate): SecureContextOptions => ({
  cert,
  key,
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  ciphers: [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
  ].join(":"),
  ecdhCurve: "X25519MLKEM768:X25519:prime256v1:secp384r1",
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
});
