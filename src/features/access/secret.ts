import { hash, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import { type Randomness, randomBase62 } from "../../randomness.ts";

/** What a secret is: `ent_tok_…` a token, `ent_inv_…` an invitation, `ent_fdc_…` a federation code, which is no bearer. */
export type SecretKind = "tok" | "inv" | "fdc";

/** The secret of a token, invitation or federation code, in parts (S24). */
export interface Secret {
  readonly kind: SecretKind;
  /** The resource's ID: `tok_…`, `inv_…`, `fdc_…`. */
  readonly id: string;
  /** 43 base62 characters: 256 random bits. */
  readonly secret: string;
}

const FORM = /^ent_(tok|inv|fdc)_([0-9A-Za-z]{22})_([0-9A-Za-z]{43})_([0-9a-f]{8})$/;
const checksum = (text: string): string => crc32(text).toString(16).padStart(8, "0");

export function newSecret(
  random: Randomness,
  kind: SecretKind,
): { readonly id: string; readonly text: string; readonly hash: string } {
  const id = randomBase62(random, 22);
  const secret = randomBase62(random, 43);
  const body = `ent_${kind}_${id}_${secret}`;
  return { id: `${kind}_${id}`, text: `${body}_${checksum(body)}`, hash: hashOf(secret) };
}

/** The parts of a bearer secret, or undefined: a wrong form or checksum costs no query (S24). */
export function readSecret(text: string): Secret | undefined {
  const match = FORM.exec(text);
  if (!match) return undefined;
  const [, kind, id, secret, sum] = match as unknown as [string, SecretKind, string, string, string];
  return checksum(text.slice(0, -9)) === sum ? { kind, id: `${kind}_${id}`, secret } : undefined;
}

/** SHA-256 in hexadecimal: what is stored of a secret. */
export const hashOf = (secret: string): string => hash("sha256", secret);

/** Compares in constant time; a hash that is not there is compared with one that nothing has (S24, S25). */
export function matchesHash(secret: string, known: string | undefined): boolean {
  const actual = Buffer.from(hashOf(secret), "hex");
  const expected = known ? Buffer.from(known, "hex") : Buffer.alloc(actual.length);
  return timingSafeEqual(actual, expected) && known !== undefined;
}
