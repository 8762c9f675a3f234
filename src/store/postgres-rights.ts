import { type QueryExecutorProvider, sql } from "kysely";
import { StartRefusal } from "../start-refusal.ts";
import type { Tables } from "./tables.ts";

type Right = "select" | "insert" | "update" | "delete";

const ALL = ["select", "insert", "update", "delete"] as const;
const APPEND_ONLY = ["select", "insert"] as const;

/** What a server does with each table, as docs/postgresql.md grants it (S68). `update(column)` is of that column alone. */
const RIGHTS: Record<keyof Tables, readonly (Right | "update(cursor_key)")[]> = {
  broker: ["select", "insert", "update(cursor_key)"],
  broker_certificate: APPEND_ONLY,
  sealed_key: ["select", "insert", "delete"],
  idempotency: ALL,
  log_head: ["select", "update"],
  event: APPEND_ONLY,
  event_detail: APPEND_ONLY,
  event_subject: APPEND_ONLY,
  event_subject_type: APPEND_ONLY,
  event_span: ALL,
  mesh: ALL,
  mesh_label: ALL,
  trust_domain: ALL,
  trust_domain_transfer: ALL,
  membership: ALL,
  authority: ALL,
  contribution: ALL,
  proof_challenge: ALL,
  shared_key_allowance: ALL,
  revision: APPEND_ONLY,
  bundle_access: ALL,
  federation: ALL,
  federation_code: ALL,
  distrust: ALL,
  poller: ALL,
  former_poller_url: ALL,
  poller_client: ["select", "insert"],
  delivery: ALL,
  first_delivery: ALL,
  token: ALL,
  token_mesh: ALL,
  invitation: ALL,
};

/** What no server changes or removes once it is there (S68). */
const HISTORY = Object.entries(RIGHTS)
  .filter(([, rights]) => rights === APPEND_ONLY)
  .map(([table]) => table);

/** Tables of history that the role could change or remove from, as their owner and a superuser can (S68). */
export async function changeableHistory(db: QueryExecutorProvider): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from json_array_elements_text(${JSON.stringify(HISTORY)}::json) as name
    where has_table_privilege(to_regclass(name), 'update, delete, truncate') order by name`.execute(db);
  return rows.map(({ name }) => name);
}

/** Migrated, but not granted: migrating again would find nothing to do. */
export const lacksRights = (what: string, cause?: unknown): StartRefusal =>
  new StartRefusal(
    `the database is migrated, but the role of databaseUrl lacks rights: ${what}; run the grants of docs/postgresql.md ` +
      '("Then the grants") as the role that owns the tables: they are due after each "npm run migrate"',
    cause,
  );

/**
 * That no schema that the role was to look in holds our tables and is closed to it: to such a role the tables are absent.
 * @throws {StartRefusal}
 */
export async function requireOpenSchema(db: QueryExecutorProvider): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select n.nspname as name from pg_namespace n join pg_class c on c.relnamespace = n.oid
    where c.relname = 'migration' and c.relkind = 'r' and not has_schema_privilege(n.oid, 'usage') and n.nspname in (
      select replace(trim(both '" ' from part), '$user', current_user)
      from unnest(string_to_array(current_setting('search_path'), ',')) as part
    )`.execute(db);
  if (rows[0]) throw lacksRights(`usage on the schema ${rows[0].name}`);
}

/**
 * That the role may do what a server does, so that a forgotten grant is told at the start and not to whoever first needs it.
 * @throws {StartRefusal} naming the tables
 */
export async function requireRights(db: QueryExecutorProvider): Promise<void> {
  const wanted = Object.entries(RIGHTS).flatMap(([table, rights]) =>
    rights.map((right) => {
      const [, privilege = "", column = null] = /^(\w+)(?:\((\w+)\))?$/.exec(right) ?? [];
      return { table, privilege, column };
    }),
  );
  const { rows } = await sql<{ name: string; is_there: boolean; lacking: string }>`
    select w."table" as name, bool_and(to_regclass(w."table") is not null) as is_there,
      string_agg(w.privilege, ', ' order by w.privilege) as lacking
    from json_to_recordset(${JSON.stringify(wanted)}::json) as w("table" text, privilege text, "column" text)
    where not coalesce(case when w."column" is null then has_table_privilege(to_regclass(w."table"), w.privilege)
      else has_column_privilege(to_regclass(w."table"), w."column", w.privilege) end, false)
    group by w."table" order by w."table"`.execute(db);
  const absent = rows.filter((row) => !row.is_there).map(({ name }) => name);
  if (absent.length > 0)
    throw new StartRefusal(
      `the database lacks the tables ${absent.join(", ")}, which its migrations made and no migration makes again: ` +
        "restore a backup (docs/postgresql.md); the contents of a table are removed with delete, never the table",
    );
  if (rows.length > 0) throw lacksRights(rows.map(({ name, lacking }) => `${lacking} on ${name}`).join("; "));
}
