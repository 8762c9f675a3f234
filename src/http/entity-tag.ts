import { hash } from "node:crypto";

/** A strong entity tag of a representation (RFC 9110, 8.8.3): equal for equal JSON and nothing else. */
export type EntityTag = `"${string}"`;

/**
 * Members that change without anybody's doing: a credential that is used must not make its own deletion stale.
 */
const VOLATILE: ReadonlySet<string> = new Set(["lastUsedAt"]);

export const entityTagOf = (body: unknown): EntityTag =>
  `"${hash(
    "sha256",
    JSON.stringify(body, (name, value) => (VOLATILE.has(name) ? undefined : value)),
    "base64url",
  )}"`;

const TAGS = /^[ \t,]*(?:(?:W\/)?"[\x21\x23-\x7e]*"[ \t]*(?:,[ \t,]*|$))+$/;
const TAG = /(W\/)?("[\x21\x23-\x7e]*")/g;

/** Whether `If-Match` holds for what is there now; by strong comparison, so that a weak tag never does. */
export const matches = (header: string, current: EntityTag): boolean =>
  header.trim() === "*" || tagsOf(header).some(({ weak, tag }) => !weak && tag === current);

/** Whether `If-None-Match` names what is there now; by weak comparison. A header that breaks its grammar names nothing. */
export const names = (header: string, current: EntityTag): boolean =>
  header.trim() === "*" || tagsOf(header).some(({ tag }) => tag === current);

function tagsOf(header: string): { weak: boolean; tag: string }[] {
  if (!TAGS.test(header)) return [];
  return [...header.matchAll(TAG)].map(([, weak, tag = ""]) => ({ weak: weak !== undefined, tag }));
}
