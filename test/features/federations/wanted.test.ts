import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Federation, proposeFederation, stateOf } from "../../../src/features/federations/federation.ts";
import type { Direction, Terms } from "../../../src/features/federations/terms.ts";
import { type Step, stepTowards, type Wanted } from "../../../src/features/federations/wanted.ts";
import {
  accept,
  agreed,
  ask,
  bank,
  bankTrustsShop,
  bothWays,
  proposed,
  type Side,
  say,
  shop,
  shopTrustsBank,
  terms,
  veto,
} from "./two-sides.ts";

const NOW = 5;
const latest = (federation: Federation | undefined, membersInGoodStanding = true) =>
  federation && { federation, state: stateOf(federation, { membersInGoodStanding }, NOW) };
const wants = (side: Side, more: Partial<Wanted> = {}): Wanted => ({
  meshId: side.meshId,
  trust: bothWays,
  expiresAt: undefined,
  ...more,
});
const stepOf = (wanted: Wanted, federation: Federation | undefined, standing = true): Step =>
  stepTowards(wanted, latest(federation, standing), NOW);

describe("a mesh that wants a federation", () => {
  it("proposes where there was none, and then waits", () => {
    expect(stepOf(wants(bank), undefined)).toBe("propose");
    expect(stepOf(wants(bank), proposed())).toBe("nothing");
  });

  it("grants what the peer, or an operator for it, proposed with the same trust", () => {
    expect(stepOf(wants(shop), proposed())).toBe("grant");
    expect(stepOf(wants(shop), proposed(terms(bothWays, 9)))).toBe("grant");
    expect(stepOf(wants(bank), proposed(terms(bothWays), { byOperator: true }))).toBe("grant");
  });

  it("never grants other terms: it asks for its own", () => {
    expect(stepOf(wants(shop), proposed(terms([bankTrustsShop])))).toBe("ask");
    expect(stepOf(wants(shop, { expiresAt: null }), proposed(terms(bothWays, 9)))).toBe("ask");
    expect(stepOf(wants(shop, { trust: [shopTrustsBank] }), agreed())).toBe("ask");
  });

  it("beside agreed terms that fit it grants no others, and takes back its own that do not", () => {
    expect(stepOf(wants(shop), ask(agreed(), bank, 2, { expiresAt: 99 }).federation)).toBe("nothing");
    const asked = ask(agreed(terms(bothWays, 90)), shop, 2, { expiresAt: 99 }).federation;
    expect(stepOf(wants(shop, { expiresAt: 90 }), asked)).toBe("take-back");
    expect(stepOf(wants(shop, { expiresAt: 99 }), asked)).toBe("nothing");
  });

  it("lets the word of the peer, of an owner and of an operator stand", () => {
    expect(stepOf(wants(bank), say(proposed(), shop, "deny", 2).federation)).toBe("nothing");
    expect(stepOf(wants(bank), say(agreed(), shop, "withdraw", 2).federation)).toBe("nothing");
    expect(stepOf(wants(bank), veto(agreed(), "deny", 2).federation)).toBe("nothing");
    expect(stepOf(wants(bank), agreed(), false)).toBe("nothing");
    const both = say(say(agreed(), bank, "withdraw", 2).federation, shop, "withdraw", 3).federation;
    expect(stepOf(wants(bank), both)).toBe("nothing");
  });

  it("proposes again after its own denial or withdrawal: the peer is asked anew", () => {
    expect(stepOf(wants(shop), say(proposed(), shop, "deny", 2).federation)).toBe("propose");
    expect(stepOf(wants(shop), say(agreed(), shop, "withdraw", 2).federation)).toBe("propose");
  });

  it("proposes again what ended by the clock, unless it was to end by now", () => {
    const expired = agreed(terms(bothWays, NOW));
    expect(stepOf(wants(shop), expired)).toBe("propose");
    expect(stepOf(wants(shop, { expiresAt: 9 }), expired)).toBe("propose");
    expect(stepOf(wants(shop, { expiresAt: NOW }), expired)).toBe("nothing");
  });
});

const trust = fc.subarray([bankTrustsShop, shopTrustsBank], { minLength: 1 });
const end = fc.constantFrom(undefined, null, 10, 20);
const aWord = fc.record({ side: fc.constantFrom(bank, shop), trust, expiresAt: end });

const fitting = ({ trust, expiresAt }: Omit<Wanted, "meshId">, found: Terms) =>
  JSON.stringify([...trust].sort(byConsumer)) === JSON.stringify([...found.trust].sort(byConsumer)) &&
  (expiresAt === undefined || expiresAt === found.expiresAt);
const byConsumer = (a: Direction, b: Direction) => (a.consumer < b.consumer ? -1 : 1);

/** What the service does with a step. */
function take(federation: Federation | undefined, side: Side, wanted: Wanted): Federation {
  const step = stepOf(wanted, federation);
  if (!federation || step === "propose") {
    const asked = terms(wanted.trust, wanted.expiresAt ?? null);
    const by = { proposer: side.meshId, byOperator: false, authorities: {}, reason: null, now: NOW };
    return proposeFederation({ ...by, federationId: "fed_1", terms: asked });
  }
  if (step === "nothing") return federation;
  if (step === "ask")
    return ask(federation, side, NOW, {
      trust: wanted.trust,
      ...(wanted.expiresAt === undefined ? {} : { expiresAt: wanted.expiresAt }),
    }).federation;
  return (step === "grant" ? accept(federation, side, NOW) : say(federation, side, "deny", NOW)).federation;
}

describe("however two meshes change what they want", () => {
  it("a mesh that says it twice is not heard twice, and stands by nothing that it does not want", () => {
    fc.assert(
      fc.property(fc.array(aWord, { maxLength: 12 }), (words) => {
        let federation: Federation | undefined;
        for (const { side, ...said } of words) {
          const wanted = { meshId: side.meshId, ...said };
          federation = take(federation, side, wanted);
          expect(stepOf(wanted, federation)).toBe("nothing");
          const { proposal } = federation;
          if (proposal?.grantedBy.includes(side.meshId)) expect(fitting(said, proposal.terms)).toBe(true);
        }
      }),
    );
  });

  it("two that come to want the same are agreed on it once each has said so, and once more", () => {
    fc.assert(
      fc.property(fc.array(aWord, { maxLength: 6 }), trust, fc.constantFrom(null, 10, 20), (words, same, expiresAt) => {
        let federation: Federation | undefined;
        for (const { side, ...said } of words) federation = take(federation, side, { meshId: side.meshId, ...said });
        const wanted = { trust: same, expiresAt };
        for (const side of [bank, shop, bank]) federation = take(federation, side, { meshId: side.meshId, ...wanted });
        expect(latest(federation)?.state).toBe("active");
        const agreement = federation?.agreement?.terms;
        expect(agreement && fitting(wanted, agreement)).toBe(true);
      }),
    );
  });
});
