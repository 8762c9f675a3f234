import type { Authority } from "../pki/authority.ts";
import { DAY_MS, type EpochMs } from "../time.ts";

/** An authority as a revision holds it. */
export interface PublishedAuthority {
  readonly authority: Authority;
  /** When time alone takes it out of the bundle (24 h after an X.509 CA expired); null for never. */
  readonly dropAt: EpochMs | null;
}

/** The order of a bundle's entries everywhere: X.509 before JWT, then by fingerprint. */
export function canonicalOrder(authorities: readonly Authority[]): readonly Authority[] {
  const place = ({ type, fingerprint }: Authority) => `${type === "x509" ? 0 : 1}${fingerprint}`;
  return authorities.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
}

/** An expired CA stays for a day, as in SPIRE: clocks differ. A JWT key has no end. */
export const dropAtOf = (authority: Authority): EpochMs | null =>
  authority.type === "x509" ? authority.notAfter + DAY_MS : null;

/**
 * The authorities that time has left in the bundle at `now`, in the order given. Time alone never takes the last
 * authority of a type: of X.509 CAs that are all due, those that expired last stay. A function of the whole revision,
 * so that a clock which jumped and came back restores what it hid.
 */
export function unexpired(authorities: readonly PublishedAuthority[], now: EpochMs): readonly PublishedAuthority[] {
  const leavesAt = departuresOf(authorities);
  return authorities.filter((published) => leavesAt(published) > now);
}

/** What there is before and not after, as people call it: whoever trusts by it would stop. Undefined where nothing is lost. */
export function kindLost(before: readonly Authority[], after: readonly Authority[]): string | undefined {
  const has = (authorities: readonly Authority[], type: Authority["type"]) =>
    authorities.some((one) => one.type === type);
  const lost = KINDS.find(({ type }) => has(before, type) && !has(after, type));
  return lost?.name;
}

const KINDS = [
  { type: "x509", name: "CA certificate" },
  { type: "jwt", name: "JWT signing key" },
] as const;

/** The next instant after `now` at which `unexpired` changes; null if it never will again. */
export const nextDeadline = (authorities: readonly PublishedAuthority[], now: EpochMs): EpochMs | null =>
  deadlinesOf(authorities).find((at) => at > now) ?? null;

/** Every instant at which time alone changes what these authorities publish, ascending. */
export function deadlinesOf(authorities: readonly PublishedAuthority[]): readonly EpochMs[] {
  const deadlines = new Set(authorities.map(departuresOf(authorities)).filter(Number.isFinite));
  return [...deadlines].sort((a, b) => a - b);
}

/** When time takes each of these; infinity for what it never takes. */
function departuresOf(authorities: readonly PublishedAuthority[]): (published: PublishedAuthority) => number {
  const lastOfType = new Map<Authority["type"], number>();
  for (const { authority, dropAt } of authorities) {
    const last = lastOfType.get(authority.type) ?? Number.NEGATIVE_INFINITY;
    lastOfType.set(authority.type, Math.max(last, dropAt ?? Number.POSITIVE_INFINITY));
  }
  return ({ authority, dropAt }) =>
    dropAt !== null && dropAt < (lastOfType.get(authority.type) ?? dropAt) ? dropAt : Number.POSITIVE_INFINITY;
}
