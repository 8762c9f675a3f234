import { Refusal } from "../errors.ts";
import type { Authority, Sha256Hex, Warning } from "../pki/authority.ts";

/** What was read from an upload or a part of it. */
export interface Reading {
  readonly authorities: readonly Authority[];
  readonly warnings: readonly Warning[];
  /** Where each authority stands, by its fingerprint. */
  readonly places: ReadonlyMap<Sha256Hex, Place>;
}

/** Where in the request something stands. */
export type Place = Pick<Warning, "pointer" | "block">;

/** Reads the part of a request at `pointer`: what is refused or warned of inside it is said of the request. */
export async function readAt<R extends { readonly warnings: readonly Warning[]; readonly places?: Reading["places"] }>(
  pointer: string,
  read: () => R | Promise<R>,
): Promise<R> {
  try {
    const reading = await read();
    const warnings = reading.warnings.map((warning) => ({ ...warning, pointer: pointer + warning.pointer }));
    if (!reading.places) return { ...reading, warnings };
    const places = new Map(
      [...reading.places].map(([fingerprint, place]) => [fingerprint, { ...place, pointer: pointer + place.pointer }]),
    );
    return { ...reading, warnings, places };
  } catch (error) {
    throw error instanceof Refusal ? error.under(pointer) : error;
  }
}

/** An authority and where in the upload it stands. */
export interface Placed extends Place {
  readonly authority: Authority;
}

/** Each authority once, at its first place; a further one only gets a warning `duplicate-entry`. */
export function withoutRepeats(placed: readonly Placed[]): Reading {
  const first = new Map<Sha256Hex, { authority: Authority; place: Place }>();
  const warnings: Warning[] = [];
  for (const { authority, ...place } of placed) {
    const { fingerprint } = authority;
    if (!first.has(fingerprint)) first.set(fingerprint, { authority, place });
    else
      warnings.push({ code: "duplicate-entry", message: `The authority ${fingerprint} stands here again`, ...place });
  }
  return {
    authorities: [...first.values()].map(({ authority }) => authority),
    warnings,
    places: new Map([...first].map(([fingerprint, { place }]) => [fingerprint, place])),
  };
}
