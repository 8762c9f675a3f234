import { sql } from "kysely";
import { expect, it } from "vitest";
import { decideConsent } from "../../src/features/federations/consent.ts";
import { type Federation, proposeFederation, standingOf } from "../../src/features/federations/federation.ts";
import { bothDirections, makeTerms, type Party } from "../../src/features/federations/terms.ts";
import { decideVeto } from "../../src/features/federations/veto.ts";
import { parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { migrate } from "../../src/store/migrate.ts";
import { describeOnEachEngine, migrateBefore } from "../support/databases.ts";
import { NOON } from "../support/store-broker.ts";

const bank: Party = { meshId: parseMeshId("bank"), trustDomain: parseTrustDomain("bank.example") };
const shop: Party = { meshId: parseMeshId("shop"), trustDomain: parseTrustDomain("shop.example") };
const parties = [bank, shop] as const;

function proposed(federationId: string): Federation {
  const terms = makeTerms(parties, bothDirections(parties), null, NOON);
  const { meshId: proposer } = shop;
  return proposeFederation({
    federationId,
    terms,
    proposer,
    byOperator: false,
    authorities: {},
    reason: "'quoted'",
    now: NOON,
  });
}

describeOnEachEngine("federations of a database that was written before what is derived of them was", (open) => {
  it("have the standing of what was said of them, and the sides that ever consented", async () => {
    const empty = await open();
    const { db, engine } = empty;
    await migrateBefore(empty, "0010");
    for (const { meshId } of parties) {
      await sql`insert into mesh (mesh_id, display_name, dialect, labels, listed, registered_at, updated_at)
        values (${meshId}, ${meshId}, 'other', '{}', 1, ${NOON}, ${NOON})`.execute(db);
    }
    const veto = { owner: bank.meshId, trustDomain: bank.trustDomain };
    const all = [
      proposed("fed_1"),
      decideConsent(proposed("fed_2"), bank.meshId, "deny", null, null, NOON).federation,
      decideConsent(proposed("fed_3"), shop.meshId, "withdraw", null, null, NOON).federation,
      decideVeto(proposed("fed_4"), veto, "deny", null, NOON).federation,
      decideConsent(proposed("fed_5"), bank.meshId, "grant", null, null, NOON).federation,
    ];
    for (const federation of all) {
      await sql`insert into federation (federation_id, mesh_a, mesh_b, trust_domain_a, trust_domain_b, created_at,
          updated_at, document)
        values (${federation.federationId}, 'bank', 'shop', 'bank.example', 'shop.example', ${NOON}, ${NOON},
          ${JSON.stringify(federation)})`.execute(db);
    }
    await migrate(db, engine);
    const found = await db
      .selectFrom("federation")
      .select(["standing", "consented_a", "consented_b"])
      .orderBy("federation_id")
      .execute();
    expect(found.map(({ consented_a, consented_b }) => [consented_a, consented_b])).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
      [0, 1],
      [1, 1],
    ]);
    expect(found.map(({ standing }) => standing)).toEqual(["open", "ended", "ended", "vetoed", "open"]);
    expect(found.map(({ standing }) => standing)).toEqual(all.map(standingOf));
  });
});
