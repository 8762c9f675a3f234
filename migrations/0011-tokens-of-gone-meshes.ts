import { sql } from "kysely";
import type { Migration } from "../src/store/migration.ts";

/**
 * Deletions of meshes before this step left them in the tokens that named others too, which nobody but their bearers could
 * revoke (S23). Such a token speaks for those of its meshes that are there. One that has none left ends now: it worked until
 * now, and no event says that it ended but those of its meshes' deletions.
 */
export const tokensOfGoneMeshes: Migration = {
  name: "0011-tokens-of-gone-meshes",
  async up(db) {
    await sql`update token set revoked_at = ${Date.now()} where revoked_at is null
      and token_id in (select token_id from token_mesh)
      and token_id not in (select token_mesh.token_id from token_mesh
        inner join mesh on mesh.mesh_id = token_mesh.mesh_id where mesh.deleted_at is null)`.execute(db);
    await sql`delete from token_mesh
      where mesh_id in (select mesh_id from mesh where deleted_at is not null)
      and token_id in (select token_id from token where revoked_at is null)`.execute(db);
  },
};
