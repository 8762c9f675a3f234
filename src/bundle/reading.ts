import { Refusal } from "../errors.ts";
import type { Authority, Sha256Hex, Warning } from "../pki/authority.ts";

/** What was read from an upload or a part of it. */
export interface Reading {
  readonly authorities: readonly Authority[];
  readonly warnings: readonly Warning[];
}

/** Reads the part of a request at `pointer`: what is refused or warned of inside it is said of the request. */
export async function readAt<R extends { readonly warnings: readonly Warning[] }>(
  pointer: string,
  read: () => R | Promise<R>,
): Promise<R> {
  try {
    const reading = await read();
    const warnings = reading.warnings.map((warning) => ({ ...warning, pointer: pointer + warning.pointer }));
    return { ...reading, warnings };
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
  const first = new Map<Sha256Hex, Authority>();
  const warnings: Warning[] = [];
  for (const { authority, pointer } of placed) {
    const { fingerprint } = authority;
    if (!first.has(fingerprint)) first.set(fingerprint, authority);
    else warnings.push({ code: "duplicate-entry", message: `The authority ${fingerprint} stands here again`, pointer });
  }
  return { authorities: [...first.values()], warnings };
}
