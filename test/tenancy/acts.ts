import fc from "fast-check";
import { CHANGES, DELETES_MESH, isOfOneThing, operationOf } from "./operations.ts";
import type { Target } from "./targets.ts";

/** One request or poll of a scenario; numbers choose among what there is, modulo its number. */
export interface Act {
  readonly who: "a" | "b" | "c" | "operator" | "auditor";
  readonly viewer: boolean;
  /** Which operation; past the last, a poll. */
  readonly what: number;
  readonly about: number;
  readonly which: number;
  readonly how: number;
}

const nat = fc.nat({ max: 5_000 });
const by = (who: fc.Arbitrary<Act["who"]>): fc.Arbitrary<Act> =>
  fc.record({
    who,
    viewer: fc.nat({ max: 9 }).map((drawn) => drawn === 0),
    what: nat,
    about: nat,
    which: nat,
    how: nat,
  });

/** What A and B do, and operators for them; and what C does between. */
const anyAct = fc.oneof(
  { weight: 5, arbitrary: by(fc.constantFrom("a", "a", "b", "b", "operator", "auditor")) },
  { weight: 3, arbitrary: by(fc.constant("c")) },
);

/** What is done before everybody looks at all there is, and what after. */
export interface Scenario {
  readonly acts: readonly Act[];
  readonly endings: readonly Act[];
}

/** A few acts. */
export const someActs: fc.Arbitrary<Scenario> = fc
  .array(anyAct, { minLength: 20, maxLength: 60, size: "max" })
  .map((acts) => ({ acts, endings: [] }));

const TENANTS = ["a", "b", "c"] as const;
const withPlace = <T>(drawn: fc.Arbitrary<T>) => fc.record({ act: drawn, place: nat });

/** Each change that there is, by each tenant about its own, and no dry run of it. */
const eachChange = fc.tuple(
  ...TENANTS.flatMap((who) =>
    CHANGES.map((_, what) =>
      withPlace(
        fc.record<Act>({
          who: fc.constant(who),
          viewer: fc.constant(false),
          what: fc.constant(what),
          about: fc.constant(0),
          which: nat.filter((drawn) => drawn % 10 !== 0),
          how: nat.filter((drawn) => drawn % 7 !== 0),
        }),
      ),
    ),
  ),
);

/**
 * Each change by each tenant, and others between: what makes things first, then what is about one of them; a mesh is deleted
 * when all else is done. A noun that is added later comes too.
 */
export const everyChange: fc.Arbitrary<Scenario> = fc
  .tuple(eachChange, fc.array(withPlace(anyAct), { minLength: 20, maxLength: 40, size: "max" }))
  .map(([each, others]) => {
    const inPhase = (phase: number) => each.filter(({ act }) => phaseOf(act) === phase);
    const inOrder = (acts: typeof others) => acts.toSorted((a, b) => a.place - b.place).map(({ act }) => act);
    const acts = [...inOrder(inPhase(0)), ...inOrder([...inPhase(1), ...others])];
    return { acts, endings: inOrder(inPhase(2)) };
  });

function phaseOf(act: Act): number {
  const operation = operationOf(act) ?? "";
  if (operation === DELETES_MESH) return 2;
  return isOfOneThing(operation) ? 1 : 0;
}

/** A mesh as the acts are made of it, and the one that it federates with. */
export interface Actor extends Target {
  readonly trustDomain: string;
  readonly cas: readonly string[];
  readonly fingerprints: readonly string[];
}

export const pick = <T>(all: readonly T[], index: number): T => all[index % all.length] as T;

type Body = (of: Actor, other: Actor, how: number) => Record<string, unknown>;
const direction = (consumer: Actor, provider: Actor) => ({ consumer: consumer.meshId, provider: provider.meshId });
const guest = (of: Actor, how: number) => `${of.meshId}-guest-${how % 2}`;
const reason = "it happens";

/** Bodies that go further than a row's, where there is more than one thing to ask for. */
export const BODIES: Readonly<Record<string, Body>> = {
  "POST /v1/meshes": (of, _, how) => ({ meshId: guest(of, how), trustDomain: of.trustDomain }),
  "PUT /v1/meshes/{meshId}/document": (_, other, how) => ({
    mesh: { displayName: `Name ${how % 3}` },
    pollers: [{ name: `poller ${how % 3}` }],
    federations: [{ peer: other.meshId }],
  }),
  "POST /v1/trust-domains/{trustDomain}/memberships": (of, _, how) => ({
    meshId: guest(of, how),
    decision: pick(["grant", "grant", "deny", "expel"], how),
  }),
  "POST /v1/trust-domains/{trustDomain}/transfers": (of, _, how) => ({ meshId: guest(of, how) }),
  "PATCH /v1/trust-domains/{trustDomain}": (_, __, how) => ({
    refreshHintSeconds: pick([60, 300, 900], how),
    public: how % 2 === 0,
  }),
  "POST /v1/meshes/{meshId}/authorities": ({ cas }, _, how) => ({
    pem: pick(cas, how),
    ...(how % 3 === 0 ? { state: "active" } : {}),
    ...(how % 5 === 0 ? { claim: true } : {}),
  }),
  "POST /v1/meshes/{meshId}/authorities/{authorityId}/transitions": (_, __, how) => ({
    to: pick(["active", "active", "retiring", "retired", "revoked"], how),
    force: how % 2 === 0,
  }),
  "POST /v1/federations": (of, other, how) => ({
    proposer: of.meshId,
    peer: other.meshId,
    ...(how % 3 === 0 ? { trust: [direction(of, other)] } : {}),
  }),
  "POST /v1/federations/{federationId}/consents": ({ meshId }, _, how) => ({
    meshId,
    decision: pick(["grant", "grant", "grant", "deny", "withdraw"], how),
    reason,
  }),
  "POST /v1/federations/{federationId}/terms": (of, other, how) => ({
    meshId: of.meshId,
    trust: pick([[direction(of, other)], [direction(of, other), direction(other, of)]], how),
    expiresAt: pick([null, "2040-01-01T00:00:00Z"], how),
  }),
  "POST /v1/meshes/{meshId}/distrusts": (_, other, how) => ({
    trustDomain: other.trustDomain,
    fingerprint: pick([...other.fingerprints, "0".repeat(64)], how),
    reason,
    force: how % 2 === 0,
  }),
  "POST /v1/meshes/{meshId}/pollers": (_, __, how) => ({ name: `poller ${how % 4}` }),
};
