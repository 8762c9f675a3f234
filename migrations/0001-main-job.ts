import { type Kysely, sql } from "kysely";
import type { Migration } from "../src/store/migration.ts";

/** Meshes, trust domains, authorities, federations, pollers, access and the event log. */
export const mainJob: Migration = {
  name: "0001-main-job",
  async up(db, engine) {
    await db.schema
      .createTable("broker")
      .addColumn("id", "integer", (c) => c.primaryKey())
      .addColumn("trust_domain", "text", (c) => c.notNull())
      .addColumn("generation", "integer", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .execute();

    await eventLog(db);
    await meshes(db);
    await authorities(db);
    await bundles(db);
    await access(db);
    for (const statement of appendOnly[engine]) await sql.raw(statement).execute(db);
  },
};

async function eventLog(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("log_head")
    .addColumn("id", "integer", (c) => c.primaryKey())
    .addColumn("size", "bigint", (c) => c.notNull())
    .addColumn("expiries_told_to", "bigint", (c) => c.notNull().defaultTo(0))
    .execute();
  await sql`insert into log_head (id, size) values (1, 0)`.execute(db);
  await db.schema
    .createTable("event")
    .addColumn("position", "bigint", (c) => c.primaryKey())
    .addColumn("type", "text", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    .addColumn("leaf", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("event_type").on("event").columns(["type", "position"]).execute();
  await db.schema.createIndex("event_at").on("event").columns(["at", "position"]).execute();
  await db.schema
    .createTable("event_detail")
    .addColumn("position", "bigint", (c) => c.primaryKey())
    .addColumn("event_id", "text", (c) => c.notNull().unique())
    .addColumn("actor", "text")
    .addColumn("acting_mesh", "text")
    .addColumn("detail", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("event_detail_actor").on("event_detail").columns(["actor", "position"]).execute();
  await db.schema
    .createTable("event_subject")
    .addColumn("subject", "text", (c) => c.notNull())
    .addColumn("position", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("event_subject_key", ["subject", "position"])
    .execute();
}

async function meshes(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("mesh")
    .addColumn("mesh_id", "text", (c) => c.primaryKey())
    .addColumn("display_name", "text", (c) => c.notNull())
    .addColumn("dialect", "text", (c) => c.notNull())
    .addColumn("dialect_version", "text")
    .addColumn("labels", "text", (c) => c.notNull())
    .addColumn("listed", "integer", (c) => c.notNull())
    .addColumn("registered_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addColumn("deleted_at", "bigint")
    .execute();
  await db.schema
    .createTable("trust_domain")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("owner", "text", (c) => c.references("mesh.mesh_id"))
    .addColumn("refresh_hint_seconds", "integer", (c) => c.notNull())
    .addColumn("public", "integer", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addColumn("freed_at", "bigint")
    .addColumn("revision_position", "bigint")
    .addColumn("next_deadline", "bigint")
    .execute();
  await db.schema.createIndex("trust_domain_deadline").on("trust_domain").column("next_deadline").execute();
  await db.schema
    .createTable("membership")
    .addColumn("mesh_id", "text", (c) => c.notNull().references("mesh.mesh_id"))
    .addColumn("trust_domain", "text", (c) => c.notNull().references("trust_domain.name"))
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("requested_at", "bigint", (c) => c.notNull())
    .addColumn("decided_at", "bigint")
    .addColumn("reason", "text")
    .addPrimaryKeyConstraint("membership_key", ["mesh_id", "trust_domain"])
    .execute();
  await db.schema.createIndex("membership_trust_domain").on("membership").column("trust_domain").execute();
}

async function authorities(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("authority")
    .addColumn("authority_id", "text", (c) => c.primaryKey())
    .addColumn("trust_domain", "text", (c) => c.notNull().references("trust_domain.name"))
    .addColumn("fingerprint", "text", (c) => c.notNull())
    .addColumn("key_fingerprint", "text", (c) => c.notNull())
    .addColumn("type", "text", (c) => c.notNull())
    .addColumn("key_id", "text")
    .addColumn("not_after", "bigint")
    .addColumn("document", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("revoked_at", "bigint")
    .addColumn("revoked_reason", "text")
    .addUniqueConstraint("authority_fingerprint", ["trust_domain", "fingerprint"])
    .execute();
  await db.schema.createIndex("authority_key").on("authority").column("key_fingerprint").execute();
  await db.schema.createIndex("authority_not_after").on("authority").column("not_after").execute();
  await db.schema
    .createTable("contribution")
    .addColumn("authority_id", "text", (c) => c.notNull().references("authority.authority_id"))
    .addColumn("source_kind", "text", (c) => c.notNull())
    .addColumn("source_id", "text", (c) => c.notNull())
    .addColumn("trust_domain", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("changed_at", "bigint", (c) => c.notNull())
    .addColumn("reason", "text")
    .addPrimaryKeyConstraint("contribution_key", ["authority_id", "source_kind", "source_id"])
    .execute();
  await db.schema.createIndex("contribution_trust_domain").on("contribution").column("trust_domain").execute();
  await db.schema.createIndex("contribution_source").on("contribution").columns(["source_kind", "source_id"]).execute();
  await db.schema
    .createTable("shared_key_allowance")
    .addColumn("allowance_id", "text", (c) => c.primaryKey())
    .addColumn("trust_domain_a", "text", (c) => c.notNull())
    .addColumn("trust_domain_b", "text", (c) => c.notNull())
    .addColumn("key_fingerprint", "text")
    .addColumn("reason", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("created_by", "text", (c) => c.notNull())
    .execute();
}

async function bundles(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("revision")
    .addColumn("trust_domain", "text", (c) => c.notNull().references("trust_domain.name"))
    .addColumn("position", "bigint", (c) => c.notNull())
    .addColumn("sequence", "bigint", (c) => c.notNull())
    .addColumn("digest", "text", (c) => c.notNull())
    .addColumn("refresh_hint_seconds", "integer", (c) => c.notNull())
    .addColumn("last_modified_seconds", "bigint", (c) => c.notNull())
    .addColumn("fingerprints", "text", (c) => c.notNull())
    .addColumn("bundle", "text", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    .addColumn("cause", "text", (c) => c.notNull())
    .addColumn("actor", "text", (c) => c.notNull())
    .addColumn("acting_mesh", "text")
    .addColumn("reason", "text")
    .addPrimaryKeyConstraint("revision_key", ["trust_domain", "position"])
    .execute();
  await db.schema
    .createTable("federation")
    .addColumn("federation_id", "text", (c) => c.primaryKey())
    .addColumn("mesh_a", "text", (c) => c.notNull().references("mesh.mesh_id"))
    .addColumn("mesh_b", "text", (c) => c.notNull().references("mesh.mesh_id"))
    .addColumn("trust_domain_a", "text", (c) => c.notNull())
    .addColumn("trust_domain_b", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addColumn("expires_at", "bigint")
    .addColumn("document", "text", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("federation_expiry").on("federation").column("expires_at").execute();
  await db.schema.createIndex("federation_mesh_a").on("federation").columns(["mesh_a", "mesh_b"]).execute();
  await db.schema.createIndex("federation_mesh_b").on("federation").column("mesh_b").execute();
  await db.schema.createIndex("federation_trust_domain_a").on("federation").column("trust_domain_a").execute();
  await db.schema.createIndex("federation_trust_domain_b").on("federation").column("trust_domain_b").execute();
  await db.schema
    .createTable("bundle_access")
    .addColumn("mesh_id", "text", (c) => c.notNull().references("mesh.mesh_id"))
    .addColumn("trust_domain", "text", (c) => c.notNull().references("trust_domain.name"))
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("position", "bigint", (c) => c.notNull())
    .addColumn("last_modified_seconds", "bigint", (c) => c.notNull())
    .addColumn("until", "bigint")
    .addColumn("at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("bundle_access_key", ["mesh_id", "trust_domain"])
    .execute();
  await db.schema.createIndex("bundle_access_trust_domain").on("bundle_access").column("trust_domain").execute();
  await db.schema.createIndex("bundle_access_until").on("bundle_access").column("until").execute();
  await db.schema
    .createTable("poller")
    .addColumn("poller_id", "text", (c) => c.primaryKey())
    .addColumn("mesh_id", "text", (c) => c.notNull().references("mesh.mesh_id"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("cluster", "text")
    .addColumn("dialect", "text")
    .addColumn("dialect_version", "text")
    .addColumn("replicas", "integer", (c) => c.notNull())
    .addColumn("token_hash", "text", (c) => c.notNull().unique())
    .addColumn("position", "bigint", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("expires_at", "bigint")
    .addColumn("revoked_at", "bigint")
    .execute();
  await db.schema.createIndex("poller_mesh").on("poller").column("mesh_id").execute();
  await expiryIndex(db, "poller");
  await db.schema
    .createTable("delivery")
    .addColumn("poller_id", "text", (c) => c.notNull().references("poller.poller_id"))
    .addColumn("trust_domain", "text", (c) => c.notNull())
    .addColumn("mesh_id", "text", (c) => c.notNull())
    .addColumn("sequence", "bigint", (c) => c.notNull())
    .addColumn("revision", "bigint")
    .addColumn("projection", "text", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("delivery_key", ["poller_id", "trust_domain"])
    .execute();
  await db.schema.createIndex("delivery_consumer").on("delivery").columns(["mesh_id", "trust_domain"]).execute();
  await db.schema.createIndex("delivery_trust_domain").on("delivery").column("trust_domain").execute();
  await db.schema
    .createTable("first_delivery")
    .addColumn("poller_id", "text", (c) => c.notNull().references("poller.poller_id"))
    .addColumn("trust_domain", "text", (c) => c.notNull())
    .addColumn("revision", "bigint", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("first_delivery_key", ["poller_id", "trust_domain", "revision"])
    .execute();
}

async function access(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("token")
    .addColumn("token_id", "text", (c) => c.primaryKey())
    .addColumn("secret_hash", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("role", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("created_by", "text", (c) => c.notNull())
    .addColumn("expires_at", "bigint", (c) => c.notNull())
    .addColumn("revoked_at", "bigint")
    .addColumn("last_used_at", "bigint")
    .execute();
  await expiryIndex(db, "token");
  await db.schema
    .createTable("token_mesh")
    .addColumn("token_id", "text", (c) => c.notNull().references("token.token_id"))
    .addColumn("mesh_id", "text", (c) => c.notNull().references("mesh.mesh_id"))
    .addPrimaryKeyConstraint("token_mesh_key", ["token_id", "mesh_id"])
    .execute();
  await db.schema.createIndex("token_mesh_mesh").on("token_mesh").column("mesh_id").execute();
  await db.schema
    .createTable("invitation")
    .addColumn("invitation_id", "text", (c) => c.primaryKey())
    .addColumn("secret_hash", "text", (c) => c.notNull())
    .addColumn("trust_domain", "text", (c) => c.notNull())
    .addColumn("mesh_id", "text")
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("created_by", "text", (c) => c.notNull())
    .addColumn("expires_at", "bigint", (c) => c.notNull())
    .addColumn("spent_at", "bigint")
    .addColumn("spent_by", "text")
    .addColumn("refusals", "integer", (c) => c.notNull())
    .addColumn("revoked_at", "bigint")
    .execute();
  await expiryIndex(db, "invitation");
}

/** Of what is not revoked, since nobody is told of the end of the rest. */
async function expiryIndex(db: Kysely<unknown>, table: "poller" | "token" | "invitation"): Promise<void> {
  await sql.raw(`create index ${table}_expiry on ${table} (expires_at) where revoked_at is null`).execute(db);
}

/** Tables whose rows are written once, with what tells their rows apart. */
const WRITTEN_ONCE: Readonly<Record<string, readonly string[]>> = {
  event: ["position"],
  event_subject: ["subject", "position"],
  revision: ["trust_domain", "position"],
};

/** SQLite's REPLACE deletes without firing a delete trigger: what is there already is not written again either. */
const noReplace = (table: string, key: readonly string[]): string =>
  `create trigger ${table}_no_replace before insert on ${table} ` +
  `when exists (select 1 from ${table} where ${key.map((column) => `${column} = new.${column}`).join(" and ")}) ` +
  `begin select raise(abort, '${table} is append-only'); end`;

/** History cannot be changed by this program's own mistake: leaves and revisions are written once (S68). */
const appendOnly = {
  sqlite: Object.entries(WRITTEN_ONCE).flatMap(([table, key]) => [
    noReplace(table, key),
    ...["update", "delete"].map(
      (verb) =>
        `create trigger ${table}_no_${verb} before ${verb} on ${table} begin select raise(abort, '${table} is append-only'); end`,
    ),
  ]),
  postgres: [
    "create function append_only() returns trigger language plpgsql as $$ begin raise exception '% is append-only', tg_table_name; end $$",
    ...Object.keys(WRITTEN_ONCE).map(
      (table) =>
        `create trigger ${table}_append_only before update or delete or truncate on ${table} for each statement execute function append_only()`,
    ),
  ],
} as const;
