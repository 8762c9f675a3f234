import { Refusal } from "../../errors.ts";
import type { JsonObject } from "../../json/json-value.ts";
import type { Authority, X509Authority } from "../../pki/authority.ts";
import { type Certificate, readCertificate } from "../../pki/certificate.ts";
import { pathFault } from "../../pki/certificate-path.ts";
import { claimsOf, payloadOf } from "../../pki/jws.ts";
import { certificatesFromPem, inBlock } from "../../pki/pem.ts";
import { isSignature } from "../../pki/signature.ts";
import type { Randomness } from "../../randomness.ts";
import { type SpiffeId, spiffeIdOf } from "../../spiffe/spiffe-id.ts";
import { type EpochMs, HOUR_MS, MINUTE_MS, SECOND_MS, toRfc3339 } from "../../time.ts";
import type { Contribution } from "./contribution.ts";

/** How long a challenge can be answered. */
const CHALLENGE_MS = HOUR_MS;
/** S29: of a token. */
const LONGEST_TOKEN_MS = HOUR_MS;
const SKEW_MS = MINUTE_MS;

/** What a source must have signed with an authority's key: good once, and for that authority alone. */
export interface ProofChallenge {
  /** 256 random bits in base64url, which is a segment of a SPIFFE ID's path as it is (R7, R9). */
  readonly nonce: string;
  readonly expiresAt: EpochMs;
}

/** The three ways to show that one holds the key. */
export type Proof =
  /** PEM: a leaf that the CA issued for the challenge's SPIFFE ID, then intermediates that lead to the CA. */
  | { readonly certificate: string }
  /** Over the signed text, in base64url. */
  | { readonly signature: string }
  /** A compact JWS of the signed text, or a JWT-SVID for the SPIFFE ID. */
  | { readonly jws: string };

export const newChallenge = (random: Randomness, now: EpochMs): ProofChallenge => ({
  nonce: Buffer.from(random(32)).toString("base64url"),
  expiresAt: now + CHALLENGE_MS,
});

export const provenId = ({ known }: Contribution, { nonce }: ProofChallenge): SpiffeId =>
  spiffeIdOf(known.trustDomain, `/entente/proof/${nonce}`);

export const signedText = ({ known }: Contribution, { nonce }: ProofChallenge): string =>
  `entente-proof:${known.trustDomain}:${known.authority.fingerprint}:${nonce}`;

/** That the challenge can still be answered. @throws {Refusal} `proof-challenge-expired` */
export function requireOpen(challenge: ProofChallenge | undefined, now: EpochMs): ProofChallenge {
  if (!challenge) throw new Refusal("proof-challenge-expired", "no challenge of this authority is open");
  if (challenge.expiresAt <= now)
    throw new Refusal("proof-challenge-expired", `the challenge expired at ${toRfc3339(challenge.expiresAt)}`);
  return challenge;
}

/**
 * That whoever answers the challenge holds the authority's key.
 * @throws {Refusal} `proof-failed`; of a certificate also what S8 to S11 refuse: `invalid-pem`, `private-key-submitted`,
 * `certificate-unreadable`, `certificate-not-canonical`
 */
export async function checkProof(
  contribution: Contribution,
  challenge: ProofChallenge,
  proof: Proof,
  now: EpochMs,
): Promise<void> {
  const { authority } = contribution.known;
  if ("certificate" in proof) return checkCertificate(contribution, provenId(contribution, challenge), proof, now);
  if ("jws" in proof) return checkJws(authority, contribution, challenge, proof.jws, now);
  const text = signedText(contribution, challenge);
  if (!isSignature(authority.jwk, text, Buffer.from(proof.signature, "base64url")))
    throw failed("it is no signature of the authority's key over the challenge's signedText", "/signature");
}

const failed = (detail: string, pointer: string): Refusal => new Refusal("proof-failed", detail, { pointer });

function checkCertificate(
  { state, known }: Contribution,
  expected: SpiffeId,
  { certificate: pem }: { readonly certificate: string },
  now: EpochMs,
): void {
  const pointer = "/certificate";
  if (known.authority.type !== "x509")
    throw failed("a JWT signing key issues no certificates: send a signature or a token", pointer);
  const anchor = readCertificate(derOf(known.authority));
  const sent = readCertificates(pem, pointer).filter(({ fingerprint }) => fingerprint !== anchor.fingerprint);
  const [leaf, ...intermediates] = sent;
  if (!leaf) throw failed("it is the authority's own certificate: send one that it issued", pointer);
  // Many may hold an intermediate below a root that they share; who takes a key from another shows the key itself.
  if (state === "claimed" && intermediates.length > 0)
    throw failed("a claim is proved by the key itself: send a certificate that the authority issued directly", pointer);
  const { uris } = leaf.subjectAltName;
  if (uris.length !== 1 || uris[0] !== expected)
    throw failed(
      `its one URI name must be ${expected}, and it has ${uris.length === 1 ? uris[0] : uris.length}`,
      pointer,
    );
  const fault = pathFault([...sent, anchor], now);
  if (fault !== null) throw failed(fault, pointer);
}

const derOf = ({ certificate }: X509Authority): Uint8Array => Uint8Array.from(Buffer.from(certificate, "base64"));

/** S8 to S11, with the block's place. */
function readCertificates(pem: string, pointer: string): Certificate[] {
  return at(pointer, () =>
    certificatesFromPem(pem).map((der, index) => inBlock(index + 1, () => readCertificate(der))),
  );
}

function at<T>(pointer: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Refusal ? error.under(pointer) : error;
  }
}

async function checkJws(
  authority: Authority,
  contribution: Contribution,
  challenge: ProofChallenge,
  jws: string,
  now: EpochMs,
): Promise<void> {
  const pointer = "/jws";
  const payload = await payloadOf(jws, authority.jwk, authority.type === "jwt" ? authority.keyId : null);
  if (!payload)
    throw failed("it is no compact JWS that the authority's key signed, or has a header that is refused", pointer);
  if (Buffer.from(payload).equals(Buffer.from(signedText(contribution, challenge)))) return;
  const fault = tokenFault(claimsOf(payload), provenId(contribution, challenge), now);
  if (fault !== null) throw failed(fault, pointer);
}

/** S29, as far as it is the profile of JWT-SVIDs, which do not require `iss`. */
function tokenFault(claims: JsonObject | undefined, subject: SpiffeId, now: EpochMs): string | null {
  if (!claims) return "its payload is neither the challenge's signedText nor the claims of a token";
  const { sub, aud, exp } = claims;
  if (sub !== subject) return `its subject must be ${subject}`;
  if (typeof aud !== "string" && !(Array.isArray(aud) && aud.length > 0)) return "it has no audience";
  if (typeof exp !== "number") return "it has no expiry";
  if (exp * SECOND_MS <= now - SKEW_MS) return "it has expired";
  return exp * SECOND_MS > now + LONGEST_TOKEN_MS + SKEW_MS ? "it lives longer than an hour" : null;
}
