import { createECDH, createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { IdentityStores } from "../../../src/identity/broker-authority.ts";
import { mintCertificate } from "../../../src/pki/mint.ts";
import { pemOf } from "../../../src/pki/pem.ts";
import type { Randomness } from "../../../src/randomness.ts";
import { DAY_MS, type EpochMs } from "../../../src/time.ts";

/** The same bytes in every run: nothing that is made of them is secret. */
export function seededRandomness(seed: string): Randomness {
  let drawn = 0;
  return (bytes) => {
    const blocks: Buffer[] = [];
    for (let length = 0; length < bytes; length += 32) blocks.push(digest(`${seed} ${drawn++}`));
    return Buffer.concat(blocks).subarray(0, bytes);
  };
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** RFC 8410: what stands before the 32 bytes of an Ed25519 private key in PKCS #8. */
const ED25519_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** A key made of its name. Ed25519 signs the same bytes in the same way each time. */
const ed25519Key = (name: string): KeyObject =>
  createPrivateKey({ key: Buffer.concat([ED25519_PREFIX, digest(`key of ${name}`)]), format: "der", type: "pkcs8" });

export interface ExampleCa {
  readonly pem: string;
  /** A certificate for a SPIFFE ID, in PEM. */
  issue(spiffeId: string): string;
}

/** A root CA whose every byte follows from its name, valid for a year from `now`. */
export function exampleCa(trustDomain: string, commonName: string, now: EpochMs): ExampleCa {
  const privateKey = ed25519Key(commonName);
  const subject = { commonName };
  const random = seededRandomness(commonName);
  const mint = (
    of: Pick<Parameters<typeof mintCertificate>[0], "subject" | "publicKey" | "keyUsage" | "uris" | "ca">,
  ) =>
    pemOf(
      mintCertificate({
        ...of,
        serial: random(16),
        notBefore: now - DAY_MS,
        notAfter: now + 365 * DAY_MS,
        issuer: { name: subject, privateKey },
      }),
    );
  return {
    pem: mint({
      subject,
      publicKey: createPublicKey(privateKey),
      keyUsage: ["keyCertSign", "cRLSign"],
      uris: [`spiffe://${trustDomain}`],
      ca: {},
    }),
    issue: (spiffeId) =>
      mint({
        subject: { commonName: "workload" },
        publicKey: createPublicKey(ed25519Key(spiffeId)),
        keyUsage: ["digitalSignature"],
        uris: [spiffeId],
      }),
  };
}

/** Where the broker's own CAs lie: in memory, each key made of its number. */
export function exampleIdentity(): IdentityStores {
  const keys = new Map<string, KeyObject>();
  let generated = 0;
  let certificate: string | undefined;
  return {
    certificates: {
      place: "memory",
      removal: "end the process",
      load: async () => certificate,
      save: async (pem) => {
        certificate = pem;
      },
    },
    keys: {
      load: async (name) => keys.get(name),
      generate: () => ed25519Key(`broker CA ${generated++}`),
      keep: async (name, key) => void keys.set(name, key),
      remove: async (name) => void keys.delete(name),
    },
  };
}

/** A JWT signing key, its public half, made of its name. */
export function exampleJwk(kid: string): Record<string, string> {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(digest(`key of ${kid}`));
  const point = ecdh.getPublicKey();
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString("base64url")) as [
    string,
    string,
  ];
  return { kty: "EC", use: "jwt-svid", crv: "P-256", kid, x, y };
}
