import { type Kysely, sql } from "kysely";
import type { Migration } from "../src/store/migration.ts";
import type { Engine } from "../src/store/tables.ts";

/**
 * What people have said of a federation, so that those that ended are not read with those that stand. The database derives it
 * from the document, whichever version of the program writes that (L12).
 */
export const standingFederations: Migration = {
  name: "0010-standing-federations",
  async up(db, engine) {
    const derived = `generated always as (${STANDING[engine]}) ${engine === "sqlite" ? "virtual" : "stored"}`;
    await sql.raw(`alter table federation add column standing text ${derived}`).execute(db);
    await replaceIndexes(db);
  },
};

const STANDING: Record<Engine, string> = {
  sqlite: `case when json_array_length(document, '$.vetoes') > 0 then 'vetoed'
    when json_extract(document, '$.consents[0].decision') in ('denied', 'withdrawn')
      or json_extract(document, '$.consents[1].decision') in ('denied', 'withdrawn') then 'ended'
    else 'open' end`,
  postgres: `case when json_array_length(document::json -> 'vetoes') > 0 then 'vetoed'
    when document::json -> 'consents' -> 0 ->> 'decision' in ('denied', 'withdrawn')
      or document::json -> 'consents' -> 1 ->> 'decision' in ('denied', 'withdrawn') then 'ended'
    else 'open' end`,
};

async function replaceIndexes(db: Kysely<unknown>): Promise<void> {
  for (const name of ["mesh_a", "mesh_b", "trust_domain_a", "trust_domain_b"])
    await db.schema.dropIndex(`federation_${name}`).execute();
  const create = (name: string, columns: string[]) =>
    db.schema.createIndex(`federation_${name}`).on("federation").columns(columns).execute();
  await create("of_mesh_a", ["mesh_a", "standing", "mesh_b"]);
  await create("of_mesh_b", ["mesh_b", "standing", "mesh_a"]);
  await create("between", ["mesh_a", "mesh_b", "created_at", "federation_id"]);
  await create("with_trust_domain_a", ["trust_domain_a", "federation_id"]);
  await create("with_trust_domain_b", ["trust_domain_b", "federation_id"]);
}
