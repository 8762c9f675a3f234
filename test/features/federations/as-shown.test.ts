import { expect, it } from "vitest";
import { asShownCondition, type SinceShown } from "../../../src/features/federations/as-shown.ts";
import { parseTrustDomain } from "../../../src/spiffe/trust-domain.ts";

const side = (shown: string[], published: string[], at = 30): SinceShown => ({
  trustDomain: parseTrustDomain("shop.example"),
  shown,
  published,
  at,
});

it("S20: says that what would be served is what the proposal shows", () => {
  const condition = { type: "AuthoritiesAsShown", status: "True", reason: "Unchanged", lastTransitionTime: 20 };
  expect(asShownCondition([side(["a", "b"], ["b", "a"])], 20)).toMatchObject(condition);
});

it("S20: names what came and what went since the proposal, and when", () => {
  const { message, ...condition } = asShownCondition([side(["a", "b"], ["b", "c"])], 20);
  expect(condition).toMatchObject({ status: "False", reason: "ChangedSince", lastTransitionTime: 30 });
  expect(message).toBe(
    "since the proposal shop.example publishes c besides, and publishes a no more: compare these before you grant",
  );
});
