import type { Place } from "../../bundle/reading.ts";
import { readUpload, type Upload } from "../../bundle/upload.ts";
import { Refusal } from "../../errors.ts";
import type { Authority, Warning } from "../../pki/authority.ts";
import { randomId } from "../../randomness.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { notFound } from "../access/caller.ts";
import { requireSomethingLeft } from "../bundles/bundle.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { audienceOf, membershipOf, trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { requireGranted } from "../trust-domains/trust-domain-record.ts";
import {
  countPublished,
  findAuthority,
  findContribution,
  findKeyId,
  insertAuthority,
  isKeyRevoked,
  listContributions,
  livingContributions,
  markAuthorityRevoked,
  publishingContributions,
  saveContribution,
  standingContributions,
  trustDomainsExpiringBetween,
} from "./authority.store.ts";
import { holdingElsewhere, isHeldBy, provedElsewhere } from "./claim.service.ts";
import {
  type Contribution,
  type ContributionState,
  checkTransition,
  type KnownAuthority,
  type ShownState,
  type Source,
  shownState,
} from "./contribution.ts";

export {
  findContribution,
  listContributions,
  livingContributions,
  publishingContributions,
  trustDomainsExpiringBetween,
};

export const meshSource = (meshId: MeshId): Source => ({ kind: "mesh", id: meshId });

/** How many authorities a mesh publishes or claims. */
export const countPublishedBy = ({ tx, now }: Work, meshId: MeshId): Promise<number> =>
  countPublished(tx, meshSource(meshId), now);

/** What a source brings under this fingerprint. */
export async function contributionWith(
  db: Executor,
  source: Source,
  trustDomain: TrustDomain,
  fingerprint: string,
): Promise<Contribution | undefined> {
  const known = await findAuthority(db, trustDomain, fingerprint);
  return known && findContribution(db, source, known.authorityId);
}

/**
 * A mesh registers what it uploads, all or nothing.
 * @throws {Refusal} `membership-pending`, `authority-exists`, `authority-revoked`, `key-known-elsewhere`,
 * `key-id-taken`, and whatever rule of the upload is broken
 */
export async function registerAuthorities(
  work: Work,
  meshId: MeshId,
  upload: Upload,
  state: "prepared" | "active" | undefined,
  claim = false,
): Promise<{ contributions: Contribution[]; warnings: Warning[] }> {
  const trustDomain = await trustDomainOfMember(work, meshId);
  const { authorities, warnings, places } = await readUpload(upload, trustDomain, work.now);
  if (authorities.length === 0) throw nothingBrought(warnings);
  const told = [...warnings];
  const standing = (await standingContributions(work.tx, trustDomain)).filter((one) => one.state !== "claimed");
  const initial = state ?? (standing.length > 0 ? "prepared" : "active");
  const contributions: Contribution[] = [];
  for (const authority of authorities) {
    const place = places.get(authority.fingerprint) ?? { pointer: "" };
    const asked = { source: meshSource(meshId), trustDomain, authority, state: initial, claim };
    const contribution = await contribute(work, asked).catch((error: unknown) => {
      throw error instanceof Refusal ? error.under(place.pointer, place.block) : error;
    });
    contributions.push(contribution);
    if (contribution.state === "claimed") told.push(keyClaimed(authority, place));
    if (await isKeyRevoked(work.tx, trustDomain, authority.keyFingerprint)) told.push(keyOfRevoked(authority, place));
  }
  work.record({
    type: "authority.contributed",
    subjects: [
      `mesh/${meshId}`,
      `trust-domain/${trustDomain}`,
      ...contributions.map(({ known }) => `authority/${known.authorityId}` as const),
      ...(await audienceOf(work.tx, trustDomain)),
    ],
    actingMesh: meshId,
    fields: {
      state: initial,
      fingerprints: authorities.map(({ fingerprint }) => fingerprint),
      claimed: contributions.filter((one) => one.state === "claimed").map(({ known }) => known.authority.fingerprint),
    },
    after: contributions,
  });
  work.touched.bundle(trustDomain);
  return { contributions, warnings: told };
}

/** Each entry that was left out has its warning, which would be lost with the refusal. */
function nothingBrought(warnings: readonly Warning[]): Refusal {
  const why = warnings.map(({ pointer, message }) => `${pointer}: ${message}`).slice(0, MOST_TOLD);
  return new Refusal("nothing-to-register", ["the upload brings no authority", ...why].join("; "));
}

const MOST_TOLD = 3;

/**
 * A source brings one authority; known authorities are shared, their revocation too. One of which another trust domain
 * holds the key unproved can be claimed: it is not published before the source has proved that it holds the key.
 * @throws {Refusal} as `registerAuthorities`
 */
export async function contribute(
  work: Work,
  asked: {
    source: Source;
    trustDomain: TrustDomain;
    authority: Authority;
    state: ContributionState;
    claim?: boolean;
  },
): Promise<Contribution> {
  const { source, trustDomain, authority, claim = false } = asked;
  const found = await findAuthority(work.tx, trustDomain, authority.fingerprint);
  const before = found && (await findContribution(work.tx, source, found.authorityId));
  if (before) {
    const what = `${source.id} has registered ${authority.fingerprint}, which is ${shownState(before)}`;
    throw new Refusal("authority-exists", what, { extra: { authorityId: before.known.authorityId } });
  }
  if (found && found.revokedAt !== null) throw new Refusal("authority-revoked", `${authority.fingerprint} is revoked`);
  if (found && authority.type === "jwt") requireKeyId(found, authority.keyId);
  const held = found !== undefined && (await isHeldBy(work.tx, found.authorityId, authority.keyFingerprint));
  const elsewhere = held ? undefined : await holdingElsewhere(work.tx, trustDomain, authority.keyFingerprint);
  if (elsewhere === "proved" && claim) throw provedElsewhere(authority.fingerprint);
  if (elsewhere !== undefined && !claim) {
    throw new Refusal(
      "key-known-elsewhere",
      `the key of ${authority.fingerprint} is known in another trust domain (R28, R91)`,
    );
  }
  const known = found ?? (await addKnown(work, trustDomain, authority));
  const contribution: Contribution = {
    known,
    source,
    state: elsewhere === undefined ? asked.state : "claimed",
    createdAt: work.now,
    changedAt: work.now,
    reason: null,
    // The broker made its own keys.
    provedAt: source.kind === "broker" ? work.now : null,
  };
  await saveContribution(work.tx, contribution);
  return contribution;
}

/**
 * A key is registered under one `kid` for good, whoever brings it: tokens that name another would match nothing (R43).
 * @throws {Refusal} `authority-exists`
 */
export function requireKeyId({ authority, authorityId }: KnownAuthority, keyId: string | null): void {
  if (authority.type === "x509" || authority.keyId === keyId) return;
  throw new Refusal("authority-exists", `the key is registered as "${authority.keyId}"`, {
    pointer: "/kid",
    extra: { authorityId },
  });
}

async function addKnown(work: Work, trustDomain: TrustDomain, authority: Authority): Promise<KnownAuthority> {
  if (authority.type === "jwt" && (await findKeyId(work.tx, trustDomain, authority.keyId))) {
    throw new Refusal("key-id-taken", `${trustDomain} has a key with the kid "${authority.keyId}" (R43)`);
  }
  const known: KnownAuthority = {
    authorityId: randomId(work.random, "aut"),
    trustDomain,
    authority,
    createdAt: work.now,
    revokedAt: null,
    revokedReason: null,
  };
  await insertAuthority(work.tx, known);
  return known;
}

/**
 * Changes the state of what a mesh contributes; `revoked` is of the authority and holds for every contribution of it.
 * @throws {Refusal} `not-found`, `membership-pending`, `impossible-transition`, `would-empty-bundle`, `not-the-owner`
 */
export async function transitionAuthority(
  work: Work,
  meshId: MeshId,
  authorityId: string,
  asked: { to: ShownState; reason: string | null; force: boolean },
): Promise<Contribution> {
  const before = await findContribution(work.tx, meshSource(meshId), authorityId);
  if (!before) throw notFound();
  const trustDomain = await trustDomainOfMember(work, meshId);
  checkTransition(shownState(before), asked.to);
  const after = movedTo(before, asked.to, asked.reason, work.now);
  const standing = await standingContributions(work.tx, trustDomain);
  const revoked = asked.to === "revoked" ? authorityId : undefined;
  if (revoked) await requireMayRevoke(work, before, meshId, standing);
  const next = standing
    .map((other) => (other.known.authorityId === authorityId && other.source.id === meshId ? after : other))
    .filter((other) => other.known.authorityId !== revoked);
  if (!asked.force) requireSomethingLeft(standing, next, work.now, { what: asked.to, trustDomain, pointer: "/to" });
  if (revoked) await markAuthorityRevoked(work.tx, authorityId, work.now, asked.reason);
  else await saveContribution(work.tx, after);
  work.record({
    type: revoked ? "authority.revoked" : "authority.transitioned",
    subjects: [
      `authority/${authorityId}`,
      `mesh/${meshId}`,
      `trust-domain/${trustDomain}`,
      ...(await audienceOf(work.tx, trustDomain)),
    ],
    actingMesh: meshId,
    fields: { from: shownState(before), to: asked.to, reason: asked.reason, force: asked.force },
    before,
    after,
  });
  work.touched.bundle(trustDomain);
  return after;
}

/**
 * That what others bring to a trust domain suffices without what a mesh brings, where it goes.
 * @throws {Refusal} `would-empty-bundle`
 */
export async function requireBundleWithout(
  { tx, now }: Work,
  trustDomain: TrustDomain,
  meshId: MeshId,
  act: { readonly what: string; readonly pointer: string },
): Promise<void> {
  const published = await publishingContributions(tx, trustDomain);
  const left = published.filter(({ source }) => source.id !== meshId);
  requireSomethingLeft(published, left, now, { ...act, trustDomain });
}

/**
 * Revocation is of the authority, for good, and a CA certificate is public: who revokes owns the trust domain, or has proved that
 * it holds the key. Anybody else could bar another member's authority, also before that one brings it. A claim that nobody
 * else makes has no other end.
 * @throws {Refusal} `not-the-owner`
 */
async function requireMayRevoke(
  work: Work,
  { known, provedAt, state }: Contribution,
  meshId: MeshId,
  standing: readonly Contribution[],
): Promise<void> {
  const isBrought = standing.some(
    (other) => other.known.authorityId === known.authorityId && other.source.id !== meshId,
  );
  if (provedAt !== null || (state === "claimed" && !isBrought)) return;
  if ((await trustDomainNamed(work.tx, known.trustDomain))?.owner === meshId) return;
  const detail = "only the owner revokes what is not proved: prove that you hold the key, or retire it";
  throw new Refusal("not-the-owner", detail, { pointer: "/to" });
}

/**
 * Moves what a source brings to another state; whoever calls says why in an event.
 * @throws {Refusal} `impossible-transition`
 */
export async function moveContribution(
  work: Work,
  before: Contribution,
  to: ContributionState,
  reason: string | null,
): Promise<void> {
  checkTransition(shownState(before), to);
  await saveContribution(work.tx, movedTo(before, to, reason, work.now));
  work.touched.bundle(before.known.trustDomain);
}

const movedTo = (before: Contribution, to: ShownState, reason: string | null, now: number): Contribution =>
  to === "revoked"
    ? { ...before, known: { ...before.known, revokedAt: now, revokedReason: reason } }
    : { ...before, state: to, changedAt: now, reason };

/** @throws {Refusal} `membership-pending`: until the owner's grant a mesh publishes nothing in its trust domain (S19) */
export async function trustDomainOfMember(work: { tx: Executor }, meshId: MeshId): Promise<TrustDomain> {
  const membership = await membershipOf(work.tx, meshId);
  if (!membership) throw notFound();
  requireGranted(membership);
  return membership.trustDomain;
}

const keyClaimed = ({ fingerprint }: Authority, place: Place): Warning => ({
  code: "key-claimed",
  message: `the key of ${fingerprint} is known in another trust domain: prove that you hold it, and it is published, unless the other proves it first`,
  ...place,
});

const keyOfRevoked = ({ fingerprint }: Authority, place: Place): Warning => ({
  code: "key-of-revoked-authority",
  message: `${fingerprint} has the key of a revoked authority: if that key was stolen, make a new one`,
  ...place,
});
