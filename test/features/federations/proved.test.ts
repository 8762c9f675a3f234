import { describe, expect, it } from "vitest";
import { type ProvidedAuthority, provedCondition } from "../../../src/features/federations/proved.ts";
import { parseTrustDomain } from "../../../src/spiffe/trust-domain.ts";

const one = (fingerprint: string, provedAt: number | null, domain = "shop.example"): ProvidedAuthority => ({
  trustDomain: parseTrustDomain(domain),
  fingerprint,
  createdAt: 20,
  provedAt,
});

describe("the condition Proved", () => {
  it("is true since the last was proved, or since there is the federation", () => {
    const all = { type: "Proved", status: "True", reason: "AllProved" };
    expect(provedCondition([one("a", 30), one("b", 40)], 10)).toMatchObject({ ...all, lastTransitionTime: 40 });
    expect(provedCondition([one("a", 30)], 50)).toMatchObject({ ...all, lastTransitionTime: 50 });
  });

  it("is false as long as one is not, and says how many of which trust domain, and which", () => {
    const condition = provedCondition(
      [one("b", null), one("a", null), one("c", 1), one("d", null, "bank.example")],
      10,
    );
    expect(condition).toMatchObject({ status: "False", reason: "SomeUnproved", lastTransitionTime: 20 });
    expect(condition.message).toBe("1 of bank.example not proved: d; 2 of shop.example not proved: a, b (of 4)");
  });

  it("names five at most of a trust domain", () => {
    const many = ["a", "b", "c", "d", "e", "f", "g"].map((name) => one(name, null));
    expect(provedCondition(many, 0).message).toBe("7 of shop.example not proved: a, b, c, d, e and 2 more (of 7)");
  });

  it("is unknown where nothing is published", () => {
    expect(provedCondition([], 10)).toMatchObject({ status: "Unknown", reason: "NothingPublished" });
  });
});
