import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bothDirections, isNarrowedBy, makeTerms, termsDigest } from "../../../src/features/federations/terms.ts";
import { parseMeshId } from "../../../src/features/meshes/mesh-id.ts";
import { parseTrustDomain } from "../../../src/spiffe/trust-domain.ts";
import { refusalOf } from "../../support/refusal-of.ts";
import { bank, bankTrustsShop, bothWays, shop, shopTrustsBank, terms } from "./two-sides.ts";

const NOW = 1_000;
const end = fc.option(fc.integer({ min: 1, max: 5 }), { freq: 3 });
const trust = fc.subarray(bothWays, { minLength: 1 });
const anyTerms = fc.tuple(trust, end).map(([list, expiresAt]) => terms(list, expiresAt));
const side = fc.constantFrom(bank.meshId, shop.meshId);
/** Never is later than every instant. */
const endOf = (at: number | null) => at ?? Number.POSITIVE_INFINITY;

describe("terms between two meshes", () => {
  test("are the same, and of the same digest, in whatever order they were written (S20)", () => {
    const orders = fc.tuple(
      fc.shuffledSubarray([bank, shop], { minLength: 2 }),
      fc.shuffledSubarray(bothWays, { minLength: 1 }),
      end,
    );
    fc.assert(
      fc.property(orders, ([[a = bank, b = shop], list, expiresAt]) => {
        const made = makeTerms([a, b], list, expiresAt, 0);
        const again = makeTerms([b, a], list.toReversed(), expiresAt, 0);
        expect(again).toEqual(made);
        expect(termsDigest(again)).toBe(termsDigest(made));
        expect(made.parties).toEqual([bank, shop]);
      }),
    );
  });

  test("have another digest as soon as mesh ID, trust domain, direction or expiry differ (S20)", () => {
    const moved = { ...shop, trustDomain: parseTrustDomain("shop.test") };
    const other = { ...shop, meshId: parseMeshId("stop") };
    const digests = [
      terms(bothWays),
      terms([bankTrustsShop]),
      terms([shopTrustsBank]),
      terms(bothWays, 1),
      terms(bothWays, 2),
      makeTerms([bank, moved], bothWays, null, 0),
      makeTerms([bank, other], bothDirections([bank, other]), null, 0),
    ].map(termsDigest);
    expect(new Set(digests).size).toBe(digests.length);
    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });

  test("are refused between a mesh and itself", () => {
    const refusal = refusalOf(() => makeTerms([bank, bank], [bankTrustsShop], null, 0));
    expect(refusal).toMatchObject({ code: "federation-with-itself", pointer: "/peer" });
  });

  test("may be between two meshes of one trust domain", () => {
    const branch = { meshId: parseMeshId("branch"), trustDomain: bank.trustDomain };
    expect(makeTerms([branch, bank], bothDirections([branch, bank]), null, 0).trust).toHaveLength(2);
  });

  const stranger = parseMeshId("stranger");
  test.each([
    ["no direction", [], null, "/trust"],
    ["a direction twice", [bankTrustsShop, shopTrustsBank, bankTrustsShop], null, "/trust"],
    ["a stranger as provider", [shopTrustsBank, { consumer: bank.meshId, provider: stranger }], null, "/trust/1"],
    ["a stranger as consumer", [{ consumer: stranger, provider: bank.meshId }], null, "/trust/0"],
    ["a mesh that trusts itself", [{ consumer: bank.meshId, provider: bank.meshId }], null, "/trust/0"],
    ["an expiry that has passed", bothWays, NOW - 1, "/expiresAt"],
    ["an expiry at this very instant", bothWays, NOW, "/expiresAt"],
  ])("are refused with %s", (_, list, expiresAt, pointer) => {
    const refusal = refusalOf(() => makeTerms([bank, shop], list, expiresAt, NOW));
    expect(refusal).toMatchObject({ code: "invalid-terms", pointer });
  });
});

describe("one side alone can only narrow (S20, decision 10)", () => {
  test("never gives the other side's trust away, adds none and never lasts longer", () => {
    fc.assert(
      fc.property(side, anyTerms, anyTerms, (mesh, current, next) => {
        const ofOther = (list: typeof current) => list.trust.filter(({ consumer }) => consumer !== mesh);
        const allowed =
          next.trust.every((d) => current.trust.some(({ consumer }) => consumer === d.consumer)) &&
          ofOther(next).length === ofOther(current).length &&
          endOf(next.expiresAt) <= endOf(current.expiresAt);
        expect(isNarrowedBy(mesh, current, next)).toBe(allowed);
      }),
      { numRuns: 500 },
    );
  });

  test("in steps comes to no more than at once", () => {
    fc.assert(
      fc.property(side, anyTerms, anyTerms, anyTerms, (mesh, first, second, third) => {
        fc.pre(isNarrowedBy(mesh, first, second) && isNarrowedBy(mesh, second, third));
        expect(isNarrowedBy(mesh, first, third)).toBe(true);
      }),
    );
  });

  test("is no longer narrowing when ending earlier comes with trusting more", () => {
    expect(isNarrowedBy(bank.meshId, terms([shopTrustsBank], 5), terms(bothWays, 4))).toBe(false);
  });
});
