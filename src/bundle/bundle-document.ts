import { Refusal } from "../errors.ts";
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { wholeNumber } from "../json/whole-number.ts";
import type { Warning } from "../pki/authority.ts";
import { refusePrivateMembers } from "../pki/private-members.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import type { EpochMs } from "../time.ts";
import { readBundleEntry } from "./bundle-entry.ts";
import { type Placed, type Reading, readAt, withoutRepeats } from "./reading.ts";

const MAX_KEYS = 100;

export interface BundleDocument extends Reading {
  /** The document's own `spiffe_sequence`: of its origin, never served. */
  readonly sequence?: bigint;
  /** Seconds. */
  readonly refreshHintSeconds?: number;
}

/**
 * Reads a whole SPIFFE bundle (SPIFFE Trust Domain and Bundle, 4). Unknown members are left alone (R15); entries that
 * a consumer must ignore are ignored with a warning (R20); any other bad entry refuses the whole, with a pointer such
 * as `/keys/3`. An empty or effectively empty `keys` is read as such (R21, R22).
 * @throws {Refusal} `invalid-bundle`, `bundle-too-large`, `private-key-submitted`, `bundle-entry`, `x5c-mismatch`, or a
 * code of the authority profile or of the JWT key
 */
export async function readBundleDocument(
  value: JsonValue,
  trustDomain: TrustDomain,
  now: EpochMs,
): Promise<BundleDocument> {
  if (!isJsonObject(value)) throw new Refusal("invalid-bundle", "A bundle is a JSON object", { pointer: "" });
  refusePrivateMembers(value);
  const sequence = optionalInteger(value, "spiffe_sequence");
  const hint = optionalInteger(value, "spiffe_refresh_hint");
  return {
    ...(await readKeys(keysOf(value), trustDomain, now)),
    ...(sequence === undefined ? {} : { sequence }),
    ...(hint === undefined ? {} : { refreshHintSeconds: Number(hint) }),
  };
}

/** R19: absent is not empty. SPIRE takes `{}` for "trust nothing any more" (S49). */
function keysOf({ keys }: JsonObject): readonly JsonValue[] {
  if (!isJsonArray(keys)) throw new Refusal("invalid-bundle", "`keys` must be an array", { pointer: "/keys" });
  if (keys.length > MAX_KEYS) {
    throw new Refusal("bundle-too-large", `The bundle has ${keys.length} keys`, { pointer: "/keys" });
  }
  return keys;
}

function optionalInteger(bundle: JsonObject, name: string): bigint | undefined {
  if (bundle[name] === undefined) return undefined;
  const integer = wholeNumber(bundle, name);
  if (integer !== undefined) return integer;
  throw new Refusal("invalid-bundle", `\`${name}\` must be an integer of 0 to 2^63 - 1 (R16, R18, S3)`, {
    pointer: `/${name}`,
  });
}

async function readKeys(keys: readonly JsonValue[], trustDomain: TrustDomain, now: EpochMs): Promise<Reading> {
  const keyIds = new Set<string>();
  const jwtKeys = new Set<string>();
  const placed: Placed[] = [];
  const warned: Warning[] = [];
  for (const [index, key] of keys.entries()) {
    const pointer = `/keys/${index}`;
    const { authority, warnings } = await readAt(pointer, async () => {
      requireNewKeyId(key, keyIds);
      const entry = await readBundleEntry(key, trustDomain, now);
      const { authority } = entry;
      if (authority?.type === "jwt") requireNew(authority.fingerprint, jwtKeys, "The key has another `kid` already");
      return entry;
    });
    if (authority) placed.push({ authority, pointer });
    warned.push(...warnings);
  }
  const { warnings, ...read } = withoutRepeats(placed);
  return { ...read, warnings: [...warned, ...warnings] };
}

/** R45: unique in the whole bundle, across JWT and WIT keys; an x509-svid entry's `kid` means nothing (R33). */
function requireNewKeyId(key: JsonValue, seen: Set<string>): void {
  if (!isJsonObject(key) || (key.use !== "jwt-svid" && key.use !== "wit-svid")) return;
  if (typeof key.kid === "string") requireNew(key.kid, seen, "The `kid` is that of another entry (R45)");
}

function requireNew(name: string, seen: Set<string>, otherwise: string): void {
  if (seen.has(name)) throw new Refusal("bundle-entry", otherwise);
  seen.add(name);
}
