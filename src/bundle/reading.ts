import { Refusal } from "../errors.ts";
import type { Authority, Sha256Hex, Warning } from "../pki/authority.ts";

/** What was read from an upload or a part of it. */
export interface Reading {
  readonly authorities: readonly Authority[];
  readonly warnings: readonly Warning[];
  /** Where each authority stands, by its fingerprint: an RFC 6901 JSON pointer. */
  readonly places: ReadonlyMap<Sha256Hex, string>;
}

/** Reads the part of a request at `pointer`: what is refused or warned of inside it is said of the request. */
export async function readAt<R extends { readonly warnings: readonly Warning[]; readonly places?: Reading["places"] }>(
  pointer: string,
  read: () => R | Promise<R>,
): Promise<R> {
  try {
    const reading = await read();
    const warnings = reading.warnings.map((warning) => ({ ...warning, pointer: pointer + warning.pointer }));
    if (!reading.places) return { ...reading, warnings };
    const places = new Map([...reading.places].map(([fingerprint, place]) => [fingerprint, pointer + place]));
    return { ...reading, warnings, places };
  } catch (error) {
    throw error instanceof Refusal ? error.under(pointer) : error;
  }
}

/** An authority and where in the upload it stands. */
export interface Placed {
  readonly authority: Authority;
  /** RFC 6901 JSON pointer. */
  readonly pointer: string;
}

/** Each authority once, at its first place; a further one only gets a warning `duplicate-entry`. */
export function withoutRepeats(placed: readonly Placed[]): Reading {
  const first = new Map<Sha256Hex, Placed>();
  const warnings: Warning[] = [];
  for (const one of placed) {
    const { fingerprint } = one.authority;
    const { pointer } = one;
    if (!first.has(fingerprint)) first.set(fingerprint, one);
    else warnings.push({ code: "duplicate-entry", message: `The authority ${fingerprint} stands here again`, pointer });
  }
  return {
    authorities: [...first.values()].map(({ authority }) => authority),
    warnings,
    places: new Map([...first].map(([fingerprint, { pointer }]) => [fingerprint, pointer])),
  };
}
