import { type Kysely, sql } from "kysely";
import type { Migration } from "../src/store/migration.ts";
import type { Engine } from "../src/store/tables.ts";

/**
 * Which sides of a federation have ever consented to it: whoever only was proposed to is nobody's peer. The database derives it
 * from the document, whichever version of the program writes that (L12).
 */
export const consentedSides: Migration = {
  name: "0014-consented-sides",
  async up(db, engine) {
    const kind = engine === "sqlite" ? "virtual" : "stored";
    for (const [side, index] of [
      ["a", 0],
      ["b", 1],
    ] as const) {
      const derived = `generated always as (${CONSENTED[engine](index)}) ${kind}`;
      await sql.raw(`alter table federation add column consented_${side} integer ${derived}`).execute(db);
    }
    await createIndex(db, "peers_of_mesh_a", ["mesh_a", "consented_b", "mesh_b"]);
    await createIndex(db, "peers_of_mesh_b", ["mesh_b", "consented_a", "mesh_a"]);
  },
};

/** A withdrawn consent was given once; and what was agreed had both, whatever either said later. */
const CONSENTED: Record<Engine, (index: 0 | 1) => string> = {
  sqlite: (index) => `case when json_extract(document, '$.agreement') is not null
    or json_extract(document, '$.consents[${index}].decision') in ('granted', 'withdrawn') then 1 else 0 end`,
  postgres: (index) => `case when document::json ->> 'agreement' is not null
    or document::json -> 'consents' -> ${index} ->> 'decision' in ('granted', 'withdrawn') then 1 else 0 end`,
};

const createIndex = (db: Kysely<unknown>, name: string, columns: string[]) =>
  db.schema.createIndex(`federation_${name}`).on("federation").columns(columns).execute();
