import type { Shown } from "../../src/views/shown.ts";
import { materials } from "./material.ts";

/** What somebody reads in a bundle, but for its sequence. */
export interface Content {
  /** In order. */
  readonly fingerprints: readonly string[];
  readonly refreshHintSeconds: number;
}

interface Entry {
  readonly kid?: string;
  readonly x5c?: readonly [string];
}

const fingerprints = new Map(
  [...materials.values()]
    .flat()
    .map(({ authority }) => [
      authority.type === "x509" ? authority.certificate : authority.keyId,
      authority.fingerprint,
    ]),
);

/** Reads the served bytes, as a consumer does. */
export function contentOf(shown: Shown): Content {
  const { keys, spiffe_refresh_hint } = JSON.parse(shown.replies().spiffe.text) as {
    keys: Entry[];
    spiffe_refresh_hint: number;
  };
  return {
    fingerprints: keys.map(({ kid, x5c }) => fingerprints.get(x5c?.[0] ?? kid ?? "") ?? "unknown").sort(),
    refreshHintSeconds: spiffe_refresh_hint,
  };
}
