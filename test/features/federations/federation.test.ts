import { describe, expect, test } from "vitest";
import { digestToDecide, possibleConsents } from "../../../src/features/federations/consent.ts";
import {
  consentOf,
  currentTerms,
  directionsServed,
  type Federation,
  isOpen,
  stateOf,
} from "../../../src/features/federations/federation.ts";
import { decideVeto } from "../../../src/features/federations/veto.ts";
import { parseMeshId } from "../../../src/features/meshes/mesh-id.ts";
import { refusalOf } from "../../support/refusal-of.ts";
import {
  accept,
  agreed,
  ask,
  bank,
  bankTrustsShop,
  bothWays,
  digestOf,
  landlord,
  proposed,
  say,
  shop,
  shopTrustsBank,
  terms,
  veto,
} from "./two-sides.ts";

const granted = { membersInGoodStanding: true };
const state = (federation: Federation, now = 2) => stateOf(federation, granted, now);
const served = (federation: Federation, now = 2) => directionsServed(federation, granted, now);

describe("a proposal", () => {
  test("is its own side's consent, and the other's is pending", () => {
    const federation = proposed();
    expect(federation.consents).toMatchObject([
      { meshId: "bank", decision: "granted", termsDigest: digestOf(terms(bothWays)) },
      { meshId: "shop", decision: "pending", termsDigest: null },
    ]);
    expect([state(federation), served(federation)]).toEqual(["pending", []]);
  });

  test("by an operator consents for nobody (S23, decision 9): both sides must grant it", () => {
    const federation = proposed(undefined, { byOperator: true });
    expect(federation.consents.map(({ decision }) => decision)).toEqual(["pending", "pending"]);
    const once = say(federation, bank, "grant", 1);
    expect([once.changes, state(once.federation), served(once.federation)]).toEqual([["granted"], "pending", []]);
    const twice = say(once.federation, shop, "grant", 2);
    expect([twice.changes, state(twice.federation)]).toEqual([["granted", "terms-agreed"], "active"]);
    expect(served(twice.federation)).toEqual(bothWays);
  });

  test("keeps the authorities that both sides were shown with it, into the agreement (S20)", () => {
    const authorities = { "bank.example": ["aa"], "shop.example": ["bb"] };
    const federation = say(proposed(undefined, { authorities }), shop, "grant", 1).federation;
    expect(federation.agreement?.authorities).toEqual(authorities);
  });

  test("that is answered with other terms waits for the first side again", () => {
    const counter = ask(proposed(), shop, 1, { trust: [shopTrustsBank] }).federation;
    expect(counter.consents.map(({ decision }) => decision)).toEqual(["pending", "granted"]);
    expect(served(accept(counter, bank, 2).federation)).toEqual([shopTrustsBank]);
  });
});

describe("a decision", () => {
  test("to deny is possible while pending, and can be thought better of", () => {
    const denied = say(proposed(), shop, "deny", 1).federation;
    expect([state(denied), isOpen(state(denied)), served(denied)]).toEqual(["denied", false, []]);
    expect(state(say(denied, shop, "grant", 2).federation)).toBe("active");
  });

  test("to withdraw ends all at once, and only its own side can take that back", () => {
    const withdrawn = say(agreed(), bank, "withdraw", 2).federation;
    expect([state(withdrawn), served(withdrawn)]).toEqual(["withdrawn", []]);
    expect(say(withdrawn, shop, "grant", 3)).toEqual({ federation: withdrawn, changes: [] });
    expect(served(say(withdrawn, bank, "grant", 3).federation)).toEqual(bothWays);
  });

  test("that was taken back before it was answered does not count when the answer comes", () => {
    const takenBack = say(proposed(), bank, "withdraw", 1).federation;
    const answered = say(takenBack, shop, "grant", 2).federation;
    expect([state(answered), served(answered)]).toEqual(["withdrawn", []]);
    expect(served(say(answered, bank, "grant", 3).federation)).toEqual(bothWays);
  });

  test("that changes nothing is no change", () => {
    expect(say(agreed(), bank, "grant", 5).changes).toEqual([]);
  });

  test.each<["bank" | "shop", "deny" | "withdraw", Federation, string[]]>([
    ["shop", "withdraw", proposed(), ["grant", "deny"]],
    ["bank", "deny", proposed(), ["grant", "withdraw"]],
    ["bank", "deny", agreed(), ["grant", "withdraw"]],
    ["shop", "deny", say(proposed(), shop, "deny", 1).federation, ["grant"]],
    ["shop", "withdraw", say(agreed(), shop, "withdraw", 2).federation, ["grant"]],
  ])(
    "of %s to %s where there is nothing to be decided so is refused with the possible ones",
    (who, what, f, possible) => {
      const refusal = refusalOf(() => say(f, who === "bank" ? bank : shop, what, 2));
      expect(refusal).toMatchObject({ code: "federation-decision", pointer: "/decision", extra: { possible } });
      expect(possibleConsents(f, who === "bank" ? bank.meshId : shop.meshId, 2)).toEqual(possible);
    },
  );
});

describe("termsDigest guards a decision (S20)", () => {
  const counter = ask(proposed(), shop, 1, { trust: [shopTrustsBank] }).federation;

  test("one of other terms is refused with the current ones, whatever the decision", () => {
    for (const decision of ["grant", "deny", "withdraw"] as const) {
      const refusal = refusalOf(() => say(counter, bank, decision, 2, digestOf(terms(bothWays))));
      expect(refusal).toMatchObject({
        code: "terms-changed",
        pointer: "/termsDigest",
        extra: { termsDigests: [digestOf(terms([shopTrustsBank]))] },
      });
    }
  });

  test("the current one lets it pass, and the consent names it", () => {
    const digest = digestOf(terms([shopTrustsBank]));
    const { federation } = say(counter, bank, "grant", 2, digest);
    expect(consentOf(federation, bank.meshId)).toMatchObject({ decision: "granted", termsDigest: digest });
  });

  test("with a proposal beside agreed terms, a grant or denial is of the proposal and a withdrawal of what is agreed", () => {
    const beside = ask(agreed(terms(bothWays, 50)), shop, 2, { expiresAt: 90 }).federation;
    const [old, next] = [digestOf(terms(bothWays, 50)), digestOf(terms(bothWays, 90))];
    expect(digestToDecide(beside, bank.meshId, "grant")).toBe(next);
    expect(digestToDecide(beside, bank.meshId, "deny")).toBe(next);
    expect(state(say(beside, bank, "withdraw", 3, old).federation)).toBe("withdrawn");
    expect(refusalOf(() => say(beside, bank, "grant", 3, digestOf(terms([shopTrustsBank]))))).toMatchObject({
      code: "terms-changed",
      extra: { termsDigests: [next, old] },
    });
  });

  test("beside a proposal the agreed terms can be granted again by their digest, and the proposal stays open", () => {
    const beside = ask(agreed(terms([bankTrustsShop])), shop, 2, { trust: bothWays }).federation;
    const old = digestOf(terms([bankTrustsShop]));
    expect(say(beside, bank, "grant", 3, old)).toEqual({ federation: beside, changes: [] });
    const withdrawn = say(agreed(terms([bankTrustsShop])), bank, "withdraw", 2).federation;
    const again = ask(withdrawn, shop, 3, { trust: bothWays }).federation;
    const granted = say(again, bank, "grant", 4, old).federation;
    expect([served(granted), granted.proposal]).toEqual([[bankTrustsShop], again.proposal]);
  });

  const refusedSilence = (f: Federation, digests: readonly string[], now = 3) =>
    expect(refusalOf(() => say(f, bank, "grant", now))).toMatchObject({
      code: "terms-changed",
      pointer: "/termsDigest",
      extra: { termsDigests: digests },
    });

  test("a grant without one is not of a proposal that was changed since it was made, by either side, were it at once", () => {
    refusedSilence(counter, [digestOf(terms([shopTrustsBank]))]);
    const narrow = say(proposed(terms([bankTrustsShop])), bank, "withdraw", 1).federation;
    const wider = ask(narrow, shop, 1, { trust: bothWays }).federation;
    refusedSilence(wider, [digestOf(terms(bothWays))]);
    refusedSilence(ask(proposed(), shop, 0, { expiresAt: 90 }).federation, [digestOf(terms(bothWays, 90))]);
  });

  test("nor of one from before a change was noted, of which the time tells", () => {
    const { proposal } = counter;
    if (!proposal) throw new Error("nothing is proposed");
    const { revised: _, ...unnoted } = proposal;
    refusedSilence({ ...counter, proposal: unnoted }, [digestOf(terms([shopTrustsBank]))]);
  });

  test("nor where other terms are proposed beside the agreed ones: nobody widens them by saying again what holds", () => {
    const beside = ask(agreed(terms([bankTrustsShop])), shop, 2, { trust: bothWays }).federation;
    refusedSilence(beside, [digestOf(terms(bothWays)), digestOf(terms([bankTrustsShop]))]);
    const ended = ask(agreed(terms([bankTrustsShop], 10)), shop, 11, { expiresAt: null }).federation;
    refusedSilence(ended, [digestOf(terms([bankTrustsShop]))], 12);
    const late = ask(agreed(terms([bankTrustsShop])), shop, 2, { trust: bothWays, expiresAt: 10 }).federation;
    refusedSilence(late, [digestOf(terms([bankTrustsShop]))], 12);
  });

  test("but of what was proposed first, of what is agreed, and of what this side asked for itself", () => {
    expect(state(say(proposed(), shop, "grant", 1).federation)).toBe("active");
    const withdrawn = say(agreed(), bank, "withdraw", 2).federation;
    expect(state(say(withdrawn, bank, "grant", 3).federation)).toBe("active");
    expect(say(counter, shop, "grant", 3).changes).toEqual([]);
    const beside = ask(agreed(terms([bankTrustsShop])), shop, 2, { trust: bothWays }).federation;
    expect(say(beside, shop, "grant", 3)).toEqual({ federation: beside, changes: [] });
  });
});

describe("other terms", () => {
  const standing = agreed(terms([bankTrustsShop], 50));

  test("wait beside the agreed ones, which hold until both have granted them (decision 10)", () => {
    const { federation, changes } = ask(standing, shop, 2, { trust: bothWays, expiresAt: null });
    expect([changes, served(federation), currentTerms(federation).expiresAt]).toEqual([
      ["terms-proposed"],
      [bankTrustsShop],
      50,
    ]);
    const next = accept(federation, bank, 3);
    expect([next.changes, served(next.federation), served(next.federation, 60)]).toEqual([
      ["granted", "terms-agreed"],
      bothWays,
      bothWays,
    ]);
    expect(next.federation.proposal).toBeNull();
  });

  test("that are declined leave the agreed ones in force", () => {
    const { federation, changes } = say(ask(standing, shop, 2, { trust: bothWays }).federation, bank, "deny", 3);
    expect([changes, federation.proposal, served(federation)]).toEqual([["terms-declined"], null, [bankTrustsShop]]);
  });

  test("that narrow one's own side take effect at once: trusting less, ending earlier (S20)", () => {
    const less = ask(agreed(), bank, 2, { trust: [shopTrustsBank] });
    expect([less.changes, served(less.federation)]).toEqual([["terms-narrowed"], [shopTrustsBank]]);
    const earlier = ask(standing, shop, 2, { expiresAt: 10 });
    expect([earlier.changes, served(earlier.federation, 9), served(earlier.federation, 10)]).toEqual([
      ["terms-narrowed"],
      [bankTrustsShop],
      [],
    ]);
  });

  test("that would take trust from the other side are a proposal", () => {
    const { federation, changes } = ask(agreed(), bank, 2, { trust: [bankTrustsShop] });
    expect([changes, served(federation)]).toEqual([["terms-proposed"], bothWays]);
  });

  test("in narrowing replace what the same side proposed before: the other cannot grant the older, wider word", () => {
    const wider = ask(agreed(terms(bothWays, 50)), bank, 2, { expiresAt: null }).federation;
    const narrowed = ask(wider, bank, 3, { trust: [shopTrustsBank] }).federation;
    expect(served(narrowed)).toEqual([shopTrustsBank]);
    expect(served(say(narrowed, shop, "grant", 4).federation)).toEqual([shopTrustsBank]);
    expect(served(say(narrowed, shop, "grant", 4).federation, 60)).toEqual([]);
  });

  test("in narrowing leave what the other side proposed", () => {
    const wider = ask(agreed(terms(bothWays, 50)), shop, 2, { expiresAt: null }).federation;
    expect(ask(wider, bank, 3, { expiresAt: 40 }).federation.proposal).toEqual(wider.proposal);
  });

  test("can be taken back by the side that proposed them, without an outage (decision 10)", () => {
    const wider = ask(standing, bank, 2, { expiresAt: null }).federation;
    const { federation, changes } = say(wider, bank, "deny", 3);
    expect([changes, federation.proposal, served(federation)]).toEqual([["terms-declined"], null, [bankTrustsShop]]);
  });

  test("that a side proposed after it withdrew are a consent that it can withdraw", () => {
    const withdrawn = say(agreed(), bank, "withdraw", 2).federation;
    const again = ask(withdrawn, bank, 3, { trust: [bankTrustsShop] }).federation;
    expect(served(accept(again, shop, 4).federation)).toEqual([bankTrustsShop]);
    const takenBack = say(again, bank, "withdraw", 4).federation;
    expect(takenBack.proposal).toBeNull();
    expect(served(say(takenBack, shop, "grant", 5).federation)).toEqual([]);
  });

  test("that are the agreed ones already, or no terms, are refused", () => {
    expect(refusalOf(() => ask(standing, bank, 2, {})).code).toBe("terms-unchanged");
    expect(refusalOf(() => ask(standing, bank, 2, { trust: [] })).code).toBe("invalid-terms");
    expect(refusalOf(() => ask(standing, bank, 2, { expiresAt: 2 })).code).toBe("invalid-terms");
  });
});

describe("asking for what the other side has proposed", () => {
  test("grants it: both have said the same", () => {
    const federation = proposed();
    const { federation: after, changes } = ask(federation, shop, 1, { trust: bothWays });
    expect(changes).toEqual(["granted", "terms-agreed"]);
    expect(state(after)).toBe("active");
  });

  test("beside agreed terms puts the new ones in force", () => {
    const proposal = ask(agreed(terms([bankTrustsShop])), bank, 2, { trust: bothWays }).federation;
    const after = ask(proposal, shop, 3, { trust: bothWays }).federation;
    expect(served(after, 4)).toEqual(bothWays);
    expect(after.proposal).toBeNull();
  });
});

describe("the end of terms", () => {
  test("is the clock's: at that instant, and a clock that jumped and came back restores what it hid", () => {
    const federation = agreed(terms(bothWays, 10));
    expect([9, 10, 11, 9].map((now) => state(federation, now))).toEqual(["active", "expired", "expired", "active"]);
    expect([9, 10, 9].map((now) => served(federation, now).length)).toEqual([2, 0, 2]);
  });

  test("needs new terms: the expired ones cannot be granted again", () => {
    const federation = agreed(terms(bothWays, 10));
    expect(refusalOf(() => say(federation, bank, "grant", 10))).toMatchObject({
      code: "federation-decision",
      extra: { possible: ["withdraw"] },
    });
    const renewed = ask(federation, bank, 11, { expiresAt: 20 }).federation;
    expect(state(renewed, 12)).toBe("expired");
    expect(state(accept(renewed, shop, 13).federation, 13)).toBe("active");
  });

  test("that a proposal names is kept too: one that was not answered in time cannot be granted", () => {
    expect(refusalOf(() => say(proposed(terms(bothWays, 10)), shop, "grant", 10)).code).toBe("federation-decision");
  });
});

describe("an owner of a side's trust domain", () => {
  test("vetoes what both have granted, and lets it be again", () => {
    const vetoed = veto(agreed(), "deny", 2);
    expect([vetoed.changes, state(vetoed.federation), served(vetoed.federation)]).toEqual([["vetoed"], "denied", []]);
    expect(vetoed.federation.vetoes).toEqual([{ ...landlord, at: 2, reason: "not in my house" }]);
    const lifted = veto(vetoed.federation, "grant", 3);
    expect([lifted.changes, served(lifted.federation)]).toEqual([["veto-lifted"], bothWays]);
  });

  test("speaks for its own trust domain: of two vetoes each is lifted by whoever gave it", () => {
    const bankOwner = { trustDomain: bank.trustDomain, owner: parseMeshId("holding") };
    const both = decideVeto(veto(agreed(), "deny", 2).federation, bankOwner, "deny", null, 3).federation;
    expect(both.vetoes).toHaveLength(2);
    const one = veto(both, "grant", 4).federation;
    expect([one.vetoes, state(one)]).toEqual([[{ ...bankOwner, at: 3, reason: null }], "denied"]);
    expect(state(decideVeto(one, bankOwner, "grant", null, 5).federation)).toBe("active");
  });

  test("changes nothing by saying it twice, and consents for nobody", () => {
    const vetoed = veto(proposed(), "withdraw", 2).federation;
    expect(veto(vetoed, "deny", 3)).toEqual({ federation: vetoed, changes: [] });
    expect(veto(proposed(), "grant", 3).changes).toEqual([]);
    expect(state(veto(vetoed, "grant", 3).federation)).toBe("pending");
  });
});

test("nothing is served when a side is no granted member of its trust domain (S19)", () => {
  const facts = { membersInGoodStanding: false };
  expect([stateOf(agreed(), facts, 2), directionsServed(agreed(), facts, 2)]).toEqual(["denied", []]);
});
