import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkInvited,
  type Invitation,
  invitationState,
  MAX_REFUSALS,
} from "../../../src/features/access/invitation.ts";
import { parseMeshId } from "../../../src/features/meshes/mesh-id.ts";
import { parseTrustDomain } from "../../../src/spiffe/trust-domain.ts";
import { refusalOf } from "../../support/refusal-of.ts";

const invitation: Invitation = {
  invitationId: "inv_1",
  trustDomain: parseTrustDomain("shop.example"),
  meshId: null,
  createdAt: 0,
  createdBy: "tok_1",
  expiresAt: 10,
  spentAt: null,
  spentBy: null,
  refusals: 0,
  revokedAt: null,
};
const [shop, other] = [parseMeshId("shop"), parseMeshId("other")];

describe("an invitation", () => {
  test.each<[string, Partial<Invitation>, number, string]>([
    ["is open until its end", {}, 9, "open"],
    ["ends by the clock, at its very instant", {}, 10, "expired"],
    ["is spent by a registration, and says so for ever", { spentAt: 5, spentBy: shop }, 20, "spent"],
    ["is void after 10 refused registrations", { refusals: 10 }, 5, "void"],
    ["is not void after 9", { refusals: 9 }, 5, "open"],
    ["is revoked", { revokedAt: 5 }, 6, "revoked"],
  ])("%s (S19)", (_, changes, now, state) => {
    expect(invitationState({ ...invitation, ...changes }, now)).toBe(state);
  });

  test("once spent, revoked, void or ended it is never open, whatever else holds", () => {
    const at = fc.integer({ min: 0, max: 20 });
    fc.assert(
      fc.property(fc.option(at), fc.option(at), fc.nat(20), at, (spentAt, revokedAt, refusals, now) => {
        const state = invitationState({ ...invitation, spentAt, revokedAt, refusals }, now);
        const closed = spentAt !== null || revokedAt !== null || refusals >= MAX_REFUSALS || now >= 10;
        expect(state === "open").toBe(!closed);
      }),
    );
  });
});

describe("a registration by an invitation (S19)", () => {
  const named = { ...invitation, meshId: shop };
  const { trustDomain } = invitation;

  test("is of the trust domain that it names, and of its mesh ID where it names one", () => {
    expect(checkInvited(named, { meshId: shop, trustDomain })).toBeUndefined();
    expect(checkInvited(invitation, { meshId: other, trustDomain })).toBeUndefined();
  });

  test.each([
    [
      "another trust domain",
      invitation,
      { meshId: shop, trustDomain: parseTrustDomain("bank.example") },
      "/trustDomain",
    ],
    ["another mesh", named, { meshId: other, trustDomain }, "/meshId"],
  ])("of %s is refused", (_, invited, asked, pointer) => {
    expect(refusalOf(() => checkInvited(invited, asked))).toMatchObject({ code: "invitation-mismatch", pointer });
  });
});
