import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { Refusal } from "../../src/errors.ts";
import { changeTerms } from "../../src/features/federations/change-terms.ts";
import { decideConsent } from "../../src/features/federations/consent.ts";
import {
  type Decided,
  directionsServed,
  type Federation,
  hasExpired,
  isOpen,
  proposeFederation,
  standingOf,
  stateOf,
} from "../../src/features/federations/federation.ts";
import { type Direction, makeTerms, type Terms, termsDigest } from "../../src/features/federations/terms.ts";
import { decideVeto } from "../../src/features/federations/veto.ts";
import { parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";

// The model is a list of who said what, in the words of the issue; it knows none of the federation's own rules.

const bank = { meshId: parseMeshId("bank"), trustDomain: parseTrustDomain("bank.example") };
const shop = { meshId: parseMeshId("shop"), trustDomain: parseTrustDomain("shop.example") };
const parties = [bank, shop] as const;
const otherOf = (side: string) => (side === "bank" ? shop : bank).meshId;
const trusts = (consumer: typeof bank, provider: typeof bank): Direction => ({
  consumer: consumer.meshId,
  provider: provider.meshId,
});
const arrows = (trust: readonly Direction[]) => trust.map(({ consumer }) => `${consumer} trusts`);

const side = fc.constantFrom(...parties).map(({ meshId }) => meshId);
const trust = fc.subarray([trusts(bank, shop), trusts(shop, bank)], { minLength: 1 });
const end = fc.constantFrom(null, 10, 20, 30);
const termsAsked = fc.record({ trust, end });
/** Which terms a side means: those that it is asked about, those in force, any, or it does not say. */
const meant = fc.constantFrom("asked", "asked", "in force", "any", "unsaid");
const decision = fc.constantFrom("grant", "grant", "deny", "withdraw");
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("decide"), side, decision, meant, any: termsAsked }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("terms"), side, asked: termsAsked }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("owner"), of: fc.constantFrom(...parties), vetoes: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("clock"), to: fc.integer({ min: 0, max: 32 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("membership"), good: fc.boolean() }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/**
 * What a side said, as far as it was heard. An `ask` for other terms is a yes to them and asks the other side anew;
 * `back` takes its last ask back; a `cut` narrows what the side lets happen and consents to nothing.
 */
interface Said {
  readonly side: string;
  readonly word: "ask" | "back" | "yes" | "no" | "cut";
  readonly to: Terms | null;
}

const same = (one: Terms | null, other: Terms | null) => one && other && termsDigest(one) === termsDigest(other);

/** Whether the side wants the direction by its own words alone: a yes to it since its last no, and no cut of it since. */
function wants(said: readonly Said[], one: string, arrow: string, now: number): boolean {
  const allows = ({ to }: Said) =>
    to !== null && arrows(to.trust).includes(arrow) && (to.expiresAt === null || to.expiresAt > now);
  const own = said.filter((s) => s.side === one);
  const since = own.slice(own.findLastIndex(({ word }) => word === "no") + 1);
  return since.some((yes, at) => {
    if (yes.word !== "yes" && yes.word !== "ask") return false;
    const later = since.slice(at + 1);
    const next = later.find(({ word }) => word === "ask" || word === "back");
    const takenBack = yes.word === "ask" && next?.word === "back";
    return allows(yes) && !takenBack && later.filter(({ word }) => word === "cut").every(allows);
  });
}

interface World {
  federation: Federation;
  now: number;
  good: boolean;
  vetoed: Set<string>;
  said: Said[];
}

const served = ({ federation, good, now }: World) =>
  arrows(directionsServed(federation, { membersInGoodStanding: good }, now));

const seen: Record<string, number> = {};
const note = (what: string) => {
  seen[what] = (seen[what] ?? 0) + 1;
};

/** The new federation, or the code of the refusal; nothing else may be thrown. */
function attempt(act: () => Decided): Federation | string {
  try {
    return act().federation;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

/** One side alone asks for less than what is in force for itself: fewer that it trusts, or an earlier end. */
function takesFromItself(one: string, before: Terms, asked: Terms): boolean {
  const less = before.trust.filter((d) => d.consumer !== one || arrows(asked.trust).includes(`${one} trusts`));
  const earlier = before.expiresAt === null || (asked.expiresAt !== null && asked.expiresAt <= before.expiresAt);
  return earlier && arrows(less).join() === arrows(asked.trust).join();
}

function decide(world: World, { side: one, decision: chosen, meant: which, any }: Step & { kind: "decide" }): void {
  const { federation, now } = world;
  const before = served(world);
  const standing = (federation.agreement ?? federation.proposal)?.terms as Terms;
  const { proposal } = federation;
  const asked = proposal && !proposal.grantedBy.includes(one) ? proposal.terms : standing;
  const named = which === "any" ? { parties, trust: any.trust, expiresAt: any.end } : asked;
  const to = which === "in force" ? standing : named;
  const digest = which === "unsaid" ? null : termsDigest(to);
  const after = attempt(() => decideConsent(federation, one, chosen, digest, null, now));
  if (typeof after === "string") {
    expect(["terms-changed", "federation-decision"]).toContain(after);
    note(after);
    return;
  }
  world.federation = after;
  const told = served(world);
  note(chosen);
  if (chosen === "withdraw") {
    world.said.push({ side: one, word: "no", to: null });
    expect(told).toEqual([]);
    return;
  }
  if (chosen === "deny") {
    if (!federation.agreement) world.said.push({ side: one, word: "no", to: null });
    else if (proposal?.grantedBy.includes(one)) world.said.push({ side: one, word: "back", to: null });
    expect(told).toEqual(before);
    return;
  }
  heardYes(world, one, to, before, federation.agreement !== null);
}

/** What a yes to terms makes: they are in force when the other side's latest word is a yes to the same ones. */
function heardYes(world: World, one: string, to: Terms, before: readonly string[], again: boolean): void {
  const told = served(world);
  const asks = world.said.findLastIndex(({ word }) => word === "ask");
  const others = world.said.filter((s, at) => s.side !== one && at >= asks);
  world.said.push({ side: one, word: "yes", to });
  expect([before, arrows(to.trust)]).toContainEqual(told);
  const last = others.at(-1);
  const yes = last?.word === "yes" || last?.word === "ask";
  const bothSaidSo = yes && same(last.to, to);
  if (bothSaidSo && world.good && world.vetoed.size === 0) {
    expect(told).toEqual(arrows(to.trust));
    note(again ? "agreed again" : "agreed");
  }
}

function askTerms(world: World, { side: one, asked }: Step & { kind: "terms" }): void {
  const { federation, now } = world;
  const before = served(world);
  const inForce = federation.agreement?.terms;
  const after = attempt(() =>
    changeTerms(federation, {
      meshId: one,
      trust: asked.trust,
      expiresAt: asked.end,
      authorities: {},
      reason: null,
      now,
    }),
  );
  if (typeof after === "string") {
    expect(["terms-unchanged", "invalid-terms"]).toContain(after);
    return;
  }
  world.federation = after;
  const to = makeTerms(parties, asked.trust, asked.end, now);
  const { proposal } = federation;
  if (proposal && !proposal.grantedBy.includes(one) && same(proposal.terms, to)) {
    heardYes(world, one, to, before, federation.agreement !== null);
    note("asked for what was asked of it");
    return;
  }
  if (inForce && takesFromItself(one, inForce, to)) {
    world.said.push({ side: one, word: "cut", to });
    expect(served(world)).toEqual(before.filter((arrow) => arrows(to.trust).includes(arrow)));
    note(before.length > 0 ? "narrowed in force" : "narrowed");
    return;
  }
  world.said.push({ side: one, word: "ask", to });
  expect(served(world)).toEqual(before);
  note(before.length > 0 ? "proposed beside what is in force" : "proposed");
}

function take(world: World, chosen: Step): void {
  if (chosen.kind === "decide") decide(world, chosen);
  else if (chosen.kind === "terms") askTerms(world, chosen);
  else if (chosen.kind === "clock") world.now = chosen.to;
  else if (chosen.kind === "membership") world.good = chosen.good;
  else {
    const { trustDomain } = chosen.of;
    const veto = { trustDomain, owner: parseMeshId("landlord") };
    world.federation = decideVeto(world.federation, veto, chosen.vetoes ? "deny" : "grant", null, world.now).federation;
    world.vetoed[chosen.vetoes ? "add" : "delete"](trustDomain);
  }
}

function checkInvariants(world: World): void {
  const { federation, now, good, vetoed, said } = world;
  const arrowsServed = served(world);
  const state = stateOf(federation, { membersInGoodStanding: good }, now);
  expect(state === "active").toBe(arrowsServed.length > 0);
  const mayBeOpen = standingOf(federation) === "open" && !hasExpired(federation, now);
  expect(isOpen(state), "what is stored leaves out none that is open").toBe(mayBeOpen && good);
  for (const arrow of arrowsServed) {
    note("served");
    expect({ good, vetoed: [...vetoed] }).toEqual({ good: true, vetoed: [] });
    for (const { meshId } of parties)
      expect(wants(said, meshId, arrow, now), `${meshId} wants that ${arrow}`).toBe(true);
  }
}

const start = fc.record({
  proposer: fc.constantFrom(...parties),
  byOperator: fc.boolean(),
  asked: termsAsked,
  grantedAtOnce: fc.boolean(),
});

function begin({
  proposer,
  byOperator,
  asked,
  grantedAtOnce,
}: typeof start extends fc.Arbitrary<infer S> ? S : never): World {
  const terms = makeTerms(parties, asked.trust, asked.end, 0);
  const federation = proposeFederation({
    federationId: "fed_1",
    terms,
    proposer: proposer.meshId,
    byOperator,
    authorities: {},
    reason: null,
    now: 0,
  });
  const said: Said[] = byOperator ? [] : [{ side: proposer.meshId, word: "ask", to: terms }];
  const world: World = { federation, now: 0, good: true, vetoed: new Set(), said };
  if (grantedAtOnce) {
    for (const { meshId } of parties) {
      take(world, { kind: "decide", side: meshId, decision: "grant", meant: "asked", any: asked });
    }
  }
  return world;
}

describe("whatever two sides, their owners, the clock and an operator do, in whatever order", () => {
  test("nothing is served without both consents, agreed terms hold, and one side alone only narrows (S20, decision 10)", () => {
    fc.assert(
      fc.property(start, fc.array(step, { minLength: 5, maxLength: 40, size: "max" }), (first, steps) => {
        const world = begin(first);
        checkInvariants(world);
        for (const one of steps) {
          take(world, one);
          checkInvariants(world);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("each side can end at any time what is served, and the other cannot bring it back alone", () => {
    const alone = fc.array(step, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        start,
        fc.array(step, { maxLength: 25, size: "max" }),
        side,
        alone,
        (first, steps, leaver, further) => {
          const world = begin(first);
          for (const one of steps) take(world, one);
          const { federation, now } = world;
          if (!federation.consents.some((c) => c.meshId === leaver && c.decision === "granted")) return;
          world.federation = decideConsent(federation, leaver, "withdraw", null, null, now).federation;
          world.said.push({ side: leaver, word: "no", to: null });
          const stayer = otherOf(leaver);
          for (const one of further) take(world, "side" in one ? { ...one, side: stayer } : one);
          note("left");
          expect(served(world)).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });

  afterAll(() => {
    const reached = [
      "agreed",
      "agreed again",
      "narrowed in force",
      "proposed beside what is in force",
      "served",
      "left",
    ];
    const refused = ["terms-changed", "federation-decision", "deny", "withdraw"];
    for (const what of [...reached, ...refused]) expect(seen[what] ?? 0, `reached: ${what}`).toBeGreaterThan(20);
  });
});
