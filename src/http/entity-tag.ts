import { hash } from "node:crypto";

/** A strong entity tag of a representation (RFC 9110, 8.8.3): equal for equal JSON and nothing else. */
export type EntityTag = `"${string}"`;

/**
 * Members of a resource that change without anybody's doing: a credential that is used must not make its own deletion stale,
 * nor a poll the consent to a federation. Further down people give names of their own, to labels for instance.
 */
const OBSERVED = ["lastUsedAt", "conditions"] as const;

/**
 * The digest of what people change, and where something is observed as well, a dot and the digest of all of it: a read is
 * fresh by the whole tag (`If-None-Match`), a change by its first part (`If-Match`).
 */
export function entityTagOf(body: unknown): EntityTag {
  const whole = digest(JSON.stringify(body));
  const changed = withoutObserved(body);
  return changed === body ? `"${whole}"` : `"${digest(JSON.stringify(changed))}.${whole}"`;
}

function withoutObserved(body: unknown): unknown {
  if (typeof body !== "object" || body === null) return body;
  const observed = OBSERVED.filter((name) => (body as Record<string, unknown>)[name] !== undefined);
  if (observed.length === 0) return body;
  return { ...body, ...Object.fromEntries(observed.map((name) => [name, undefined])) };
}

const digest = (text: string): string => hash("sha256", text, "base64url");
const changedPart = (tag: string): string => tag.replace(/^"([^.]*)\..*"$/, '"$1"');

const TAGS = /^[ \t,]*(?:(?:W\/)?"[\x21\x23-\x7e]*"[ \t]*(?:,[ \t,]*|$))+$/;
const TAG = /(W\/)?("[\x21\x23-\x7e]*")/g;

/** Whether `If-Match` holds for what is there now; by strong comparison, so that a weak tag never does. */
export const matches = (header: string, current: EntityTag): boolean =>
  header.trim() === "*" || tagsOf(header).some(({ weak, tag }) => !weak && changedPart(tag) === changedPart(current));

/** Whether `If-Match` could hold for anything. */
export const namesStrongly = (header: string): boolean => tagsOf(header).some(({ weak }) => !weak);

/** Whether `If-None-Match` names what is there now; by weak comparison. A header that breaks its grammar names nothing. */
export const names = (header: string, current: EntityTag): boolean =>
  header.trim() === "*" || tagsOf(header).some(({ tag }) => tag === current);

function tagsOf(header: string): { weak: boolean; tag: string }[] {
  if (!TAGS.test(header)) return [];
  return [...header.matchAll(TAG)].map(([, weak, tag = ""]) => ({ weak: weak !== undefined, tag }));
}
