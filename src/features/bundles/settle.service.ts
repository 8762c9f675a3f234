import { revisionDigest } from "../../bundle/projections.ts";
import { deadlinesOf, nextDeadline, unexpired } from "../../bundle/published.ts";
import { revisionDifference } from "../../bundle/revision-difference.ts";
import { sequenceOf } from "../../bundle/sequence.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import { type EventType, idsAmong, type NewEvent } from "../../store/event.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { type EpochMs, toRfc3339OrNull } from "../../time.ts";
import { publishingContributions } from "../authorities/authority.service.ts";
import { distrustedBy } from "../distrusts/distrust.service.ts";
import { federationEndsFor } from "../federations/federation-facts.service.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { membershipOf, ownerOf, trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import {
  findAccess,
  insertRevision,
  latestRegrantSeconds,
  newestRevision,
  saveAccess,
  setNextDeadline,
} from "./bundle.store.ts";
import {
  type AccessChange,
  accessChange,
  type BundleAccess,
  grantedUntil,
  hasLapsed,
  lastModifiedAfter,
  publishedBy,
  type Revision,
} from "./bundle.ts";
import { publishedDomains } from "./publication.store.ts";

/**
 * The one function that republishes what a unit of work touched, whatever the source of the change: equal content, no
 * revision; equal access, no event. Runs before each commit.
 */
export async function settle(work: Work): Promise<void> {
  const { bundles, accesses } = work.touched;
  const counted = new Map<TrustDomain, number>();
  for (const trustDomain of [...bundles, ...[...accesses.values()].map((access) => access.trustDomain)]) {
    if (!counted.has(trustDomain)) counted.set(trustDomain, await countedOf(work, trustDomain));
  }
  for (const trustDomain of bundles) await republish(work, trustDomain, counted.get(trustDomain) ?? 0);
  for (const { meshId, trustDomain } of accesses.values())
    await reviewAccess(work, meshId as MeshId, trustDomain, counted.get(trustDomain) ?? 0);
}

/**
 * What the clock alone made due begins with an event that says so: a unit of work never begins with a sequence. So does
 * what follows several deadlines that passed unrecorded: its position is above `counted`, the last that the bundle
 * endpoint gave to what it showed meanwhile.
 */
function recordDerived(work: Work, trustDomain: TrustDomain, event: NewEvent, counted: number): number {
  while (!work.cause || work.newest < counted) work.record({ type: "clock.deadline-passed", subjects: [] });
  const { type = null, actor = work.actor, actingMesh, subjects = [] } = work.causeOf(trustDomain) ?? {};
  const isOperators = actingMesh == null && actor.kind !== "broker";
  const [meshId] = isOperators ? idsAmong(subjects, "mesh") : [];
  const fields = { ...event.fields, cause: type, ...(meshId === undefined ? {} : { meshId }) };
  return work.record({ ...event, fields, actor, ...(actingMesh === undefined ? {} : { actingMesh }) });
}

/** The position up to which the bundle endpoint has counted by now: of the newest revision, and one a deadline since. */
async function countedOf(work: Work, trustDomain: TrustDomain): Promise<number> {
  const [shown] = await publishedDomains(work.tx, [trustDomain]);
  if (!shown) return 0;
  return shown.position + deadlinesOf(shown.authorities).filter((at) => at <= work.now).length;
}

async function republish(work: Work, trustDomain: TrustDomain, counted: number): Promise<void> {
  const record = await trustDomainNamed(work.tx, trustDomain);
  if (!record) return;
  const published = publishedBy(await publishingContributions(work.tx, trustDomain));
  await setNextDeadline(work.tx, trustDomain, nextDeadline(published, work.now));

  const authorities = unexpired(published, work.now).map(({ authority }) => authority);
  const before = await newestRevision(work.tx, trustDomain);
  const digest = revisionDigest(authorities, record.refreshHintSeconds);
  if (before ? before.digest === digest : authorities.length === 0) return;

  const fingerprints = authorities.map(({ fingerprint }) => fingerprint).sort();
  const { added, removed } = revisionDifference(
    (before?.fingerprints ?? []).map((fingerprint) => ({ fingerprint })),
    authorities,
  );
  const revised: NewEvent = {
    type: "bundle.revised",
    subjects: [`trust-domain/${trustDomain}`],
    audience: ownerOf(record),
    fields: { digest, added, removed, refreshHintSeconds: record.refreshHintSeconds },
  };
  const position = recordDerived(work, trustDomain, revised, counted);
  const shown = Math.max(before?.lastModifiedSeconds ?? 0, await latestRegrantSeconds(work.tx, trustDomain));
  const cause = work.causeOf(trustDomain);
  const revision: Revision = {
    trustDomain,
    position,
    sequence: sequenceOf(work.generation, position),
    digest,
    refreshHintSeconds: record.refreshHintSeconds,
    lastModifiedSeconds: lastModifiedAfter(shown, work.now),
    fingerprints,
    at: work.now,
    cause: cause?.type ?? "unknown",
    actor: cause?.actor.id ?? work.actor.id,
    actingMesh: cause?.actingMesh ?? null,
    reason: cause?.reason ?? null,
  };
  await insertRevision(work.tx, revision);
}

async function reviewAccess(work: Work, meshId: MeshId, trustDomain: TrustDomain, counted: number): Promise<void> {
  const recorded = await findAccess(work.tx, meshId, trustDomain);
  const membership = await membershipOf(work.tx, meshId);
  const facts = {
    member: membership?.trustDomain === trustDomain && membership.state === "granted",
    federationEnds: await federationEndsFor(work, meshId, trustDomain),
    distrusted: await distrustedBy(work.tx, meshId, trustDomain),
  };
  const known = accessChange(recorded, facts);
  const isLonger = known === "changed" || known === "distrust-changed";
  const change = isLonger && hasLapsed(recorded, work.now) ? "regranted" : known;
  if (!change) return;
  const until = grantedUntil(facts) ?? null;
  const changed: NewEvent = {
    type: `bundle-access.${change}` satisfies EventType,
    subjects: [`mesh/${meshId}`, `trust-domain/${trustDomain}`],
    fields: { until: toRfc3339OrNull(until) },
  };
  // A grant that lapsed was shown as a tombstone, one above what all saw.
  const tombstone = Math.max(counted, recorded?.position ?? 0) + 1;
  const position = recordDerived(work, trustDomain, changed, hasLapsed(recorded, work.now) ? tombstone : counted);
  const access: BundleAccess = {
    meshId,
    trustDomain,
    state: change === "withdrawn" ? "withdrawn" : "granted",
    until: change === "withdrawn" ? null : until,
    at: endedAt(work, change, recorded),
    distrusted: facts.distrusted,
    ...(await shownAfter(work, change, position, recorded, trustDomain)),
  };
  await saveAccess(work.tx, access);
}

/** What ended by the clock ended at that instant, however much later the log comes to know. */
function endedAt(work: Work, change: AccessChange, recorded: BundleAccess | undefined): EpochMs {
  return change === "withdrawn" && recorded && hasLapsed(recorded, work.now) ? (recorded.until ?? work.now) : work.now;
}

/** What gives this consumer's view its number and `Last-Modified`; a first grant or another end changes neither. */
async function shownAfter(
  work: Work,
  change: AccessChange,
  position: number,
  recorded: BundleAccess | undefined,
  trustDomain: TrustDomain,
): Promise<Pick<BundleAccess, "position" | "lastModifiedSeconds">> {
  if (change === "granted") return { position: 0, lastModifiedSeconds: 0 };
  if (change === "changed" && recorded) {
    return { position: recorded.position, lastModifiedSeconds: recorded.lastModifiedSeconds };
  }
  const newest = await newestRevision(work.tx, trustDomain);
  const shown = Math.max(recorded?.lastModifiedSeconds ?? 0, newest?.lastModifiedSeconds ?? 0);
  return { position, lastModifiedSeconds: lastModifiedAfter(shown, work.now) };
}
