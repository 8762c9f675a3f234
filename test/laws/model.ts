import type { Authority } from "../../src/pki/authority.ts";
import { DAY_MS, type EpochMs } from "../../src/time.ts";

// What ought to be served, in the words of the issue. It knows no store, no event, no revision and none of the rules' code.

export interface ModelTerms {
  /** Mesh IDs of those that trust the other. */
  readonly consumers: readonly string[];
  readonly endsAt: EpochMs | null;
}

export interface ModelFederation {
  readonly federationId: string;
  readonly sides: readonly [string, string];
  agreed: ModelTerms | null;
  offer: { readonly terms: ModelTerms; readonly by: Set<string> } | null;
  /** What each side said last. */
  readonly said: Map<string, "granted" | "denied" | "withdrawn">;
  /** Trust domains whose owners refuse it. */
  readonly vetoes: Set<string>;
}

export interface ModelMesh {
  readonly meshId: string;
  readonly trustDomain: string;
  granted: boolean;
  deleted: boolean;
}

export interface ModelContribution {
  readonly meshId: string;
  readonly trustDomain: string;
  readonly authorityId: string;
  readonly authority: Authority;
  published: boolean;
}

export interface Model {
  readonly meshes: Map<string, ModelMesh>;
  /** Owner mesh ID by trust domain; null for one that was given back. */
  readonly owners: Map<string, string | null>;
  readonly hints: Map<string, number>;
  readonly public: Set<string>;
  readonly contributions: ModelContribution[];
  readonly revoked: Set<string>;
  /** Mesh IDs that an operator has suspended. */
  readonly suspended: Set<string>;
  readonly federations: ModelFederation[];
  readonly distrusts: ModelDistrust[];
}

/** That one mesh does not want to be shown an authority. */
export interface ModelDistrust {
  readonly distrustId: string;
  readonly meshId: string;
  readonly trustDomain: string;
  readonly fingerprint: string;
  lifted: boolean;
}

export const newModel = (): Model => ({
  meshes: new Map(),
  owners: new Map(),
  hints: new Map(),
  public: new Set(),
  contributions: [],
  revoked: new Set(),
  suspended: new Set(),
  federations: [],
  distrusts: [],
});

const inGoodStanding = ({ meshes }: Model, meshId: string): boolean => {
  const mesh = meshes.get(meshId);
  return mesh?.granted === true && !mesh.deleted;
};

/** Both sides granted these terms and have not gone back on it, no owner or operator refuses it, and they have not ended. */
const isActive = (model: Model, federation: ModelFederation, now: EpochMs): boolean =>
  federation.agreed !== null &&
  federation.vetoes.size === 0 &&
  !federation.sides.some((side) => model.suspended.has(side)) &&
  federation.sides.every((side) => federation.said.get(side) === "granted" && inGoodStanding(model, side)) &&
  (federation.agreed.endsAt === null || now < federation.agreed.endsAt);

/** Whether a mesh may be served a trust domain's bundle at this moment. */
export function mayBeServed(model: Model, meshId: string, trustDomain: string, now: EpochMs): boolean {
  if (!model.meshes.has(meshId) || model.meshes.get(meshId)?.deleted) return false;
  if (model.meshes.get(meshId)?.trustDomain === trustDomain && inGoodStanding(model, meshId)) return true;
  return model.federations.some((federation) => {
    const other = federation.sides.find((side) => side !== meshId) as string;
    const between = federation.sides.includes(meshId) && model.meshes.get(other)?.trustDomain === trustDomain;
    return between && isActive(model, federation, now) && federation.agreed?.consumers.includes(meshId);
  });
}

/** Fingerprints that a trust domain publishes at this moment, in order. */
export function publishedAt(model: Model, trustDomain: string, now: EpochMs): string[] {
  const standing = model.contributions
    .filter((one) => one.trustDomain === trustDomain && one.published && inGoodStanding(model, one.meshId))
    .map(({ authority }) => authority)
    .filter(({ fingerprint }) => !model.revoked.has(`${trustDomain} ${fingerprint}`));
  const longest = Math.max(...standing.map((authority) => (authority.type === "x509" ? authority.notAfter : 0)));
  const left = standing.filter(
    (authority) => authority.type === "jwt" || authority.notAfter === longest || now < authority.notAfter + DAY_MS,
  );
  return [...new Set(left.map(({ fingerprint }) => fingerprint))].sort();
}

/** Fingerprints of a trust domain that a mesh does not want to be shown. */
export const distrustedBy = ({ distrusts }: Model, meshId: string | null, trustDomain: string): string[] =>
  distrusts
    .filter((one) => one.meshId === meshId && one.trustDomain === trustDomain && !one.lifted)
    .map(({ fingerprint }) => fingerprint);

export function hear(federation: ModelFederation, side: string, decision: "grant" | "deny" | "withdraw"): void {
  const { said } = federation;
  if (decision === "deny") {
    if (federation.agreed) federation.offer = null;
    else said.set(side, "denied");
  }
  if (decision === "withdraw") {
    said.set(side, "withdrawn");
    if (federation.agreed) federation.offer = null;
    else federation.offer?.by.delete(side);
  }
  if (decision !== "grant") return;
  const { offer } = federation;
  if (!offer || offer.by.has(side)) {
    said.set(side, "granted");
    return;
  }
  offer.by.add(side);
  if (!federation.agreed) said.set(side, "granted");
  if (offer.by.size < 2) return;
  federation.agreed = offer.terms;
  federation.offer = null;
  for (const one of federation.sides) said.set(one, "granted");
}

const sameTerms = (a: ModelTerms, b: ModelTerms) => a.endsAt === b.endsAt && a.consumers.join() === b.consumers.join();

/**
 * One side asks for other terms: less for itself holds at once, what the other side offers already is a yes to it, and
 * anything else waits for the other side.
 */
export function ask(federation: ModelFederation, side: string, terms: ModelTerms): void {
  const { agreed, offer, said } = federation;
  if (offer && !offer.by.has(side) && sameTerms(offer.terms, terms)) {
    hear(federation, side, "grant");
    return;
  }
  if (agreed) {
    const lost = agreed.consumers.filter((one) => !terms.consumers.includes(one));
    const lessOnly =
      terms.consumers.every((one) => agreed.consumers.includes(one)) && lost.every((one) => one === side);
    const sooner = agreed.endsAt === null || (terms.endsAt !== null && terms.endsAt <= agreed.endsAt);
    if (lessOnly && sooner) {
      federation.agreed = terms;
      if (offer?.by.has(side)) federation.offer = null;
      return;
    }
  } else {
    said.clear();
    said.set(side, "granted");
  }
  federation.offer = { terms, by: new Set([side]) };
}
