import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  agreedByCode,
  type CodeRole,
  codeState,
  type FederationCode,
} from "../../../src/features/federation-codes/federation-code.ts";
import type { Direction } from "../../../src/features/federations/terms.ts";
import { parseMeshId } from "../../../src/features/meshes/mesh-id.ts";

const bank = parseMeshId("bank");
const shop = parseMeshId("shop");
const END = Date.UTC(2027, 0, 1);

/** A code of the bank. */
const code = (more: Partial<FederationCode> = {}): FederationCode => ({
  codeId: "fdc_1",
  meshId: bank,
  trust: null,
  federationExpiresAt: null,
  reason: null,
  createdAt: 0,
  createdBy: "tok_1",
  expiresAt: 100,
  revokedAt: null,
  spentAt: null,
  spentBy: null,
  federationId: null,
  ...more,
});
const bankTrusts: Direction = { consumer: bank, provider: shop };
const shopTrusts: Direction = { consumer: shop, provider: bank };

describe("a federation code", () => {
  test.each<[string, Partial<FederationCode>, number, string]>([
    ["open until its end", {}, 99, "open"],
    ["expired from its end on", {}, 100, "expired"],
    ["revoked", { revokedAt: 5 }, 9, "revoked"],
    ["revoked, whenever it would have ended", { revokedAt: 5 }, 100, "revoked"],
    ["spent, whenever it would have ended", { spentAt: 5 }, 100, "spent"],
  ])("is %s", (_, more, now, state) => {
    expect(codeState(code(more), now)).toBe(state);
  });
});

describe("the terms of a proposal with a code", () => {
  const roles = fc.uniqueArray(fc.constantFrom<CodeRole>("consumer", "provider"), { minLength: 1, maxLength: 2 });
  const directions = fc.uniqueArray(fc.constantFrom(bankTrusts, shopTrusts), { minLength: 1, maxLength: 2 });
  const end = fc.constantFrom(END, END + 1);
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

  test("are the code's where it has some, or there are none: nobody gets more out of a code than was consented to", () => {
    fc.assert(
      fc.property(maybe(roles), maybe(end), maybe(directions), maybe(end), (trust, codeEnd, askedTrust, askedEnd) => {
        const of = code({ trust: trust ?? null, federationExpiresAt: codeEnd ?? null });
        const byRole = { consumer: bankTrusts, provider: shopTrusts };
        const agree = () => agreedByCode(of, shop, { trust: askedTrust, expiresAt: askedEnd });
        const allowed = trust?.map((role) => byRole[role]);
        const other = allowed && askedTrust && !same(allowed, askedTrust);
        if (other || (codeEnd !== undefined && askedEnd !== undefined && askedEnd !== codeEnd)) {
          expect(agree).toThrow(expect.objectContaining({ code: "invalid-terms" }));
          return;
        }
        expect(agree()).toEqual({ trust: allowed ?? askedTrust, expiresAt: codeEnd ?? askedEnd ?? null });
      }),
    );
  });

  test("a refusal says what the code allows", () => {
    const of = code({ trust: ["provider"], federationExpiresAt: END });
    expect(() => agreedByCode(of, shop, { trust: [bankTrusts], expiresAt: undefined })).toThrow(
      expect.objectContaining({ pointer: "/trust", extra: { allowed: { trust: [shopTrusts] } } }),
    );
    expect(() => agreedByCode(of, shop, { trust: undefined, expiresAt: END - 1 })).toThrow(
      expect.objectContaining({
        pointer: "/expiresAt",
        extra: { allowed: { expiresAt: "2027-01-01T00:00:00.000Z" } },
      }),
    );
  });
});

const same = (a: readonly Direction[], b: readonly Direction[]) =>
  a.length === b.length && a.every((d) => b.includes(d));
