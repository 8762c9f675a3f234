import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CONTRIBUTION_STATES,
  type Contribution,
  checkTransition,
  isPublishing,
  type ShownState,
  shownState,
} from "../../../src/features/authorities/contribution.ts";
import { parseTrustDomain } from "../../../src/spiffe/trust-domain.ts";
import { refusalOf } from "../../support/refusal-of.ts";
import { testCa } from "../../support/test-ca.ts";

const shown: readonly ShownState[] = [...CONTRIBUTION_STATES, "revoked"];
/** The issue's own words, and that a claim can only be proved or given up: prepared → active | retired; active → retiring; retiring → active | retired; any → revoked. */
const arrows = [
  "prepared active",
  "prepared retired",
  "active retiring",
  "retiring active",
  "retiring retired",
  "prepared revoked",
  "active revoked",
  "retiring revoked",
  "retired revoked",
  "claimed revoked",
];

describe("the state of a contribution", () => {
  const pairs = shown.flatMap((from) => shown.map((to) => [from, to] as const));

  test.each(pairs)("from %s to %s is possible or refused as the issue says", (from, to) => {
    if (arrows.includes(`${from} ${to}`)) {
      expect(checkTransition(from, to)).toBeUndefined();
      return;
    }
    const possible = shown.filter((next) => arrows.includes(`${from} ${next}`));
    const refusal = refusalOf(() => checkTransition(from, to));
    expect(refusal).toMatchObject({ code: "impossible-transition", pointer: "/to" });
    expect((refusal.extra.possible as string[]).toSorted()).toEqual(possible.toSorted());
  });

  test("an active authority is published while it retires: no way leads from active to unpublished but revocation", () => {
    const next = shown.filter((to) => arrows.includes(`active ${to}`));
    expect(next.filter((to) => !isPublishing(to))).toEqual(["revoked"]);
  });

  test("nothing comes back from revoked, whatever is tried", () => {
    fc.assert(
      fc.property(fc.constantFrom(...shown), (to) => {
        expect(refusalOf(() => checkTransition("revoked", to)).extra).toEqual({ possible: [] });
      }),
    );
  });

  test("prepared, active and retiring are published; claimed, retired and revoked are not", () => {
    expect(shown.filter(isPublishing)).toEqual(["prepared", "active", "retiring"]);
  });
});

test("revocation is of the authority: it is shown in place of every contribution's own state", () => {
  const ca = testCa({ trustDomain: "shop.example" });
  const known = {
    authorityId: "aut_1",
    trustDomain: parseTrustDomain("shop.example"),
    authority: ca.authority(),
    createdAt: 0,
    revokedAt: null,
    revokedReason: null,
  };
  for (const state of CONTRIBUTION_STATES) {
    const source = { kind: "mesh", id: "shop" } as const;
    const contribution: Contribution = {
      known,
      source,
      state,
      createdAt: 0,
      changedAt: 0,
      reason: null,
      provedAt: null,
    };
    expect(shownState(contribution)).toBe(state);
    expect(shownState({ ...contribution, known: { ...known, revokedAt: 0 } })).toBe("revoked");
  }
});
