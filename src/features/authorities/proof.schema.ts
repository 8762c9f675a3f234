import Type, { type Static } from "typebox";
import { strictObject, time } from "../../http/schemas.ts";
import { toRfc3339 } from "../../time.ts";
import type { Contribution } from "./contribution.ts";
import { type ProofChallenge, provenId, signedText } from "./proof.ts";

export const proofChallenge = strictObject(
  {
    nonce: Type.String({ description: "256 random bits in base64url." }),
    spiffeId: Type.String({ description: "The one URI name of a certificate, or the subject of a JWT-SVID." }),
    signedText: Type.String({ description: "What a signature or a JWS is over, in UTF-8." }),
    expiresAt: time("Until when it can be answered, once."),
  },
  { $id: "ProofChallenge" },
);

export const proof = Type.Object(
  {
    certificate: Type.Optional(
      Type.String({
        maxLength: 1_048_576,
        description: "PEM: a leaf that the CA issued for `spiffeId`, then the intermediates that lead to the CA.",
      }),
    ),
    signature: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9_-]{1,2048}$",
        description:
          "Of `signedText` in base64url: RSA PKCS #1 v1.5 or PSS and ECDSA (DER or IEEE P1363) with SHA-256, Ed25519.",
      }),
    ),
    jws: Type.Optional(
      Type.String({
        maxLength: 16_384,
        description: "Compact JWS of `signedText`, or a JWT-SVID for `spiffeId`.",
      }),
    ),
  },
  {
    $id: "Proof",
    additionalProperties: false,
    description: "Exactly one of `certificate`, `signature` and `jws`.",
    oneOf: [{ required: ["certificate"] }, { required: ["signature"] }, { required: ["jws"] }],
  },
);

export const viewChallenge = (of: Contribution, challenge: ProofChallenge): Static<typeof proofChallenge> => ({
  nonce: challenge.nonce,
  spiffeId: provenId(of, challenge),
  signedText: signedText(of, challenge),
  expiresAt: toRfc3339(challenge.expiresAt),
});
