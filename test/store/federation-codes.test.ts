import { expect, it } from "vitest";
import { hashOf, readSecret } from "../../src/features/access/secret.ts";
import { createCode, revokeCode } from "../../src/features/federation-codes/federation-code.service.ts";
import { findCode, findCodeSecret, markCodeSpent } from "../../src/features/federation-codes/federation-code.store.ts";
import { parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { describeOnEachEngine, type OpenDatabase } from "../support/databases.ts";
import { adminOf, NOON, storeBroker } from "../support/store-broker.ts";

const bank = parseMeshId("bank");
const shop = parseMeshId("shop");

async function withCode(open: OpenDatabase) {
  const broker = await storeBroker(await open());
  await broker.register(bank, "bank.example");
  const asked = { trust: ["consumer"], federationExpiresAt: NOON + 1, expiresInSeconds: 60, reason: "why" } as const;
  const { code, secret } = await broker.run(adminOf(bank), (work) => createCode(work, bank, asked));
  return { ...broker, code, secret };
}

describeOnEachEngine("a federation code in the store", (open) => {
  it("is read as it was written, with the hash of its secret alone (S24)", async () => {
    const { db, code, secret } = await withCode(open);
    expect(await findCode(db, bank, code.codeId)).toEqual(code);
    expect(await findCode(db, shop, code.codeId)).toBeUndefined();
    const secretHash = hashOf(readSecret(secret)?.secret ?? "");
    expect(await findCodeSecret(db, code.codeId)).toEqual({ code, secretHash });
    const row = await db.selectFrom("federation_code").selectAll().executeTakeFirstOrThrow();
    expect(JSON.stringify(row)).not.toContain(readSecret(secret)?.secret);
  });

  it("is claimed by whoever comes first: the second finds it spent", async () => {
    const { db, code } = await withCode(open);
    const claim = (federationId: string) => markCodeSpent(db, code.codeId, { meshId: shop, federationId, at: NOON });
    expect([await claim("fed_1"), await claim("fed_2")]).toEqual([true, false]);
    expect(await findCode(db, bank, code.codeId)).toMatchObject({ spentBy: shop, federationId: "fed_1" });
  });

  it("cannot be claimed once it is revoked", async () => {
    const { db, run, code } = await withCode(open);
    await run(adminOf(bank), (work) => revokeCode(work, bank, code.codeId));
    expect(await markCodeSpent(db, code.codeId, { meshId: shop, federationId: "fed_1", at: NOON })).toBe(false);
  });
});
