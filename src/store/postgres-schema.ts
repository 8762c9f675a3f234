import { type QueryExecutorProvider, sql } from "kysely";
import { MINUTE_MS } from "../time.ts";

/** A step may take long, and so may waiting for another process's; a start that hangs for longer is a fault. */
export const MIGRATION_MS = 10 * MINUTE_MS;

/** Held until the transaction ends. Migrations of other schemas of the database do not wait for it. */
export async function migrationLock(tx: QueryExecutorProvider): Promise<void> {
  const limit = String(MIGRATION_MS);
  await sql`select set_config('lock_timeout', ${limit}, true), set_config('statement_timeout', ${limit}, true)`.execute(
    tx,
  );
  await sql`select pg_advisory_xact_lock(hashtextextended('entente migrations ' || current_schema(), 0))`.execute(tx);
}

/**
 * Texts are compared byte by byte, as on SQLite, whatever the database's own collation: lists and cursors are in the
 * same order on both engines, and no update of the operating system's collations breaks an index.
 */
export async function inOneOrder(tx: QueryExecutorProvider): Promise<void> {
  await sql
    .raw(`do $$
      declare other record;
      begin
        for other in
          select c.table_name, c.column_name from information_schema.columns c
          join information_schema.tables t using (table_schema, table_name)
          where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'
            and c.data_type = 'text' and c.collation_name is distinct from 'C'
        loop
          execute format('alter table %I alter column %I type text collate "C"', other.table_name, other.column_name);
        end loop;
      end $$`)
    .execute(tx);
}
