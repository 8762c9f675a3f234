import { createPublicKey, X509Certificate } from "node:crypto";

/** A consumer that refuses a whole document for anything that any known one refuses it for. */
export interface Accepted {
  readonly sequence: number;
  readonly refreshHint: number;
  readonly certificates: readonly X509Certificate[];
  readonly keyIds: readonly string[];
}

type Entry = Readonly<Record<string, unknown>>;

const MEMBERS_OF_KTY: Readonly<Record<string, readonly string[]>> = {
  RSA: ["kty", "n", "e"],
  EC: ["kty", "crv", "x", "y"],
  OKP: ["kty", "crv", "x"],
};
const CURVES_OF_KTY: Readonly<Record<string, readonly unknown[]>> = {
  RSA: [undefined],
  EC: ["P-256", "P-384", "P-521"],
  OKP: ["Ed25519"],
};

/** go-spiffe 2.8.1, `spiffebundle.Parse`, over go-jose; with R25, R33, R34 and R43 taken at their word. */
export function readAsGoSpiffe(body: Buffer): Accepted {
  const document = JSON.parse(body.toString()) as Entry;
  demandMembers(document, ["keys", "spiffe_refresh_hint", "spiffe_sequence"]);
  const { keys, spiffe_refresh_hint: refreshHint, spiffe_sequence: sequence } = document;
  demand(Array.isArray(keys), "keys is no array");
  for (const integer of [refreshHint, sequence])
    demand(Number.isSafeInteger(integer) && Number(integer) > 0, "integer");
  const entries = keys as readonly Entry[];
  return {
    sequence: Number(sequence),
    refreshHint: Number(refreshHint),
    certificates: entries.filter(({ use }) => use === "x509-svid").map(readCertificate),
    keyIds: entries.filter(({ use }) => use !== "x509-svid").map(readKeyId),
  };
}

/** istiod, `RetrieveSpiffeBundleRootCerts`: as above, and it fails on a bundle without X.509. */
export function readAsIstiod(body: Buffer): readonly X509Certificate[] {
  const { certificates, keyIds } = readAsGoSpiffe(body);
  demand(certificates.length > 0, "does not provide a X509 SVID");
  demand(keyIds.length === 0, "an entry that istiod has no use for");
  return certificates;
}

function readCertificate(entry: Entry): X509Certificate {
  const key = publicKeyOf(entry, ["use", "x5c"]);
  const [encoded, ...further] = entry.x5c as readonly string[];
  demand(encoded !== undefined && further.length === 0, "expected one certificate");
  const der = Buffer.from(encoded ?? "", "base64");
  demand(der.toString("base64") === encoded, "x5c is not standard base64");
  const certificate = new X509Certificate(der);
  demand(certificate.publicKey.equals(key), "public keys in key and x5c fields do not match");
  return certificate;
}

function readKeyId(entry: Entry): string {
  demand(entry.use === "jwt-svid", "unknown use");
  const key = publicKeyOf(entry, ["use", "kid"]);
  demand(key.asymmetricKeyType !== "ed25519", "not a key for JWT-SVIDs");
  const { kid } = entry;
  demand(typeof kid === "string" && kid !== "", "missing kid");
  return String(kid);
}

function publicKeyOf(entry: Entry, further: readonly string[]) {
  const kty = String(entry.kty);
  demandMembers(entry, [...(MEMBERS_OF_KTY[kty] ?? []), ...further]);
  demand(CURVES_OF_KTY[kty]?.includes(entry.crv) === true, "unknown kty or curve");
  return createPublicKey({ key: { ...entry }, format: "jwk" });
}

function demandMembers(object: Entry, members: readonly string[]): void {
  const found = Object.keys(object).toSorted().join();
  demand(found === members.toSorted().join(), `members ${found}`);
}

function demand(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(`a strict consumer refuses the bundle: ${otherwise}`);
}
