import { kindLost, type PublishedAuthority, unexpired } from "../../bundle/published.ts";
import { Refusal } from "../../errors.ts";
import { randomId } from "../../randomness.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Subject } from "../../store/event.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { notFound } from "../access/caller.ts";
import { isServed } from "../bundles/bundle.service.ts";
import { publishedDomains } from "../bundles/publication.service.ts";
import { federationEndsFor } from "../federations/federation-facts.service.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { distrustedBy, findDistrust, insertDistrust, listDistrusts, markDistrustLifted } from "./distrust.store.ts";
import type { Distrust } from "./distrust.ts";

export { distrustedBy, findDistrust, listDistrusts };

export interface NewDistrust {
  readonly trustDomain: TrustDomain;
  readonly fingerprint: string;
  readonly reason: string;
  /** Even where nothing is left of the bundle. */
  readonly force: boolean;
}

/**
 * A mesh stops trusting one published authority of a trust domain that it is served, at once, for all its pollers.
 * @throws {Refusal} `not-found` for a bundle that it is not served, unless a suspension alone is why, and an authority that is not in it;
 * `already-distrusted`; `would-empty-bundle` unless forced
 */
export async function createDistrust(work: Work, meshId: MeshId, asked: NewDistrust): Promise<Distrust> {
  const { force, ...described } = asked;
  const { trustDomain, fingerprint, reason } = asked;
  if (!(await isServedOrSuspended(work, meshId, trustDomain))) throw notFound("/trustDomain");
  const [bundle] = await publishedDomains(work.tx, [trustDomain]);
  const published = bundle?.authorities ?? [];
  if (!published.some(({ authority }) => authority.fingerprint === fingerprint)) throw notFound("/fingerprint");
  const already = await distrustedBy(work.tx, meshId, trustDomain);
  if (already.includes(fingerprint))
    throw new Refusal("already-distrusted", `${meshId} distrusts it`, { pointer: "/fingerprint" });
  if (!force) requireKeysLeft(work, asked, meshId, published, already);
  const distrust: Distrust = {
    ...described,
    distrustId: randomId(work.random, "dis"),
    meshId,
    createdAt: work.now,
    createdBy: work.actor.id,
    liftedAt: null,
  };
  await insertDistrust(work.tx, distrust);
  work.record({
    type: "distrust.created",
    subjects: subjectsOf(distrust),
    actingMesh: meshId,
    fields: { fingerprint, reason },
    after: distrust,
  });
  work.touched.access(meshId, trustDomain);
  return distrust;
}

/** @throws {Refusal} `would-empty-bundle` */
function requireKeysLeft(
  { now }: Work,
  { trustDomain, fingerprint }: NewDistrust,
  meshId: MeshId,
  published: readonly PublishedAuthority[],
  already: readonly string[],
): void {
  const shown = unexpired(published, now)
    .map(({ authority }) => authority)
    .filter((authority) => !already.includes(authority.fingerprint));
  const left = shown.filter((authority) => authority.fingerprint !== fingerprint);
  const lost = kindLost(shown, left);
  if (lost)
    throw new Refusal("would-empty-bundle", `${meshId} would be left without any ${lost} of ${trustDomain}`, {
      pointer: "/fingerprint",
    });
}

/** What a suspension alone withholds comes back with its end, at once: a stolen key must be distrusted before that. */
async function isServedOrSuspended(work: Work, meshId: MeshId, trustDomain: TrustDomain): Promise<boolean> {
  if (await isServed(work.tx, meshId, trustDomain, work.now)) return true;
  return (await federationEndsFor(work, meshId, trustDomain, "left-out")).length > 0;
}

/** The mesh is shown the authority again, where it is still published. @throws {Refusal} `not-found`, `already-ended` */
export async function liftDistrust(work: Work, meshId: MeshId, distrustId: string): Promise<Distrust> {
  const before = await findDistrust(work.tx, meshId, distrustId);
  if (!before) throw notFound();
  if (before.liftedAt !== null) throw new Refusal("already-ended", "the distrust is lifted");
  const after: Distrust = { ...before, liftedAt: work.now };
  await markDistrustLifted(work.tx, distrustId, work.now);
  work.record({
    type: "distrust.lifted",
    subjects: subjectsOf(after),
    actingMesh: meshId,
    fields: { fingerprint: after.fingerprint },
    before,
    after,
  });
  work.touched.access(meshId, after.trustDomain);
  return after;
}

const subjectsOf = ({ distrustId, meshId, trustDomain }: Distrust): Subject[] => [
  `distrust/${distrustId}`,
  `mesh/${meshId}`,
  `trust-domain/${trustDomain}`,
];
