import { describe, expect, test } from "vitest";
import type { MembershipState } from "../../../src/features/meshes/mesh.ts";
import { parseMeshId } from "../../../src/features/meshes/mesh-id.ts";
import {
  decideMembership,
  MEMBERSHIP_DECISIONS,
  type Membership,
  type MembershipDecision,
  notTheOwner,
  possibleDecisions,
} from "../../../src/features/trust-domains/trust-domain-record.ts";
import { parseTrustDomain } from "../../../src/spiffe/trust-domain.ts";
import { refusalOf } from "../../support/refusal-of.ts";

const owner = parseMeshId("shop");
const membership = (state: MembershipState): Membership => ({
  meshId: parseMeshId("branch"),
  trustDomain: parseTrustDomain("shop.example"),
  state,
  requestedAt: 1,
  decidedAt: null,
  reason: null,
});

const outcomes: Record<MembershipState, Partial<Record<MembershipDecision, MembershipState>>> = {
  pending: { grant: "granted", deny: "denied" },
  granted: { expel: "expelled" },
  denied: { grant: "granted" },
  expelled: { grant: "granted" },
};
const states = Object.keys(outcomes) as MembershipState[];

describe("a further mesh of a trust domain waits for the owner's word (S19, decision 9)", () => {
  test.each(states.flatMap((state) => MEMBERSHIP_DECISIONS.map((decision) => [state, decision] as const)))(
    "one that is %s, on %s",
    (state, decision) => {
      const decide = () => decideMembership(membership(state), owner, decision, "as agreed", 9);
      const next = outcomes[state][decision];
      if (next) {
        expect(decide()).toEqual({ ...membership(state), state: next, decidedAt: 9, reason: "as agreed" });
        return;
      }
      const possible = Object.keys(outcomes[state]);
      expect(possibleDecisions(state)).toEqual(possible);
      expect(refusalOf(decide)).toMatchObject({
        code: "membership-decision",
        pointer: "/decision",
        extra: { possible },
      });
    },
  );

  test.each(MEMBERSHIP_DECISIONS)("the owner decides nothing about itself: %s", (decision) => {
    for (const state of states) {
      const itself = { ...membership(state), meshId: owner };
      const refusal = refusalOf(() => decideMembership(itself, owner, decision, null, 9));
      expect(refusal).toMatchObject({ code: "membership-decision", extra: { possible: [] } });
    }
  });

  test("whoever is not the owner is told so, as a 403", () => {
    expect(notTheOwner(parseTrustDomain("shop.example"))).toMatchObject({ code: "not-the-owner", status: 403 });
  });
});
