import { readFileSync } from "node:fs";
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from "kysely";
import pg from "pg";
import type { DatabaseUrl } from "../database-url.ts";
import { StartRefusal } from "../start-refusal.ts";
import { SECOND_MS } from "../time.ts";
import type { Database, Tables } from "./tables.ts";

/** L13. A session that waits for longer is one that nobody waits for any more. */
const STATEMENT_MS = 10 * SECOND_MS;
const LOCK_MS = 3 * SECOND_MS;
const IDLE_IN_TRANSACTION_MS = 15 * SECOND_MS;
const CONNECT_MS = 5 * SECOND_MS;

/**
 * The connection could not be made, or broke before the answer. The driver says so in many ways and mostly without a
 * code; here it has that of SQL's class "connection exception", as the server itself would report it.
 */
class ConnectionError extends Error {
  readonly code = "08006";
}

/**
 * Opens a pool of connections; none is made before it is needed.
 * @throws {StartRefusal} where the file of root certificates cannot be read
 */
export function openPostgres(url: DatabaseUrl, connections: number): Database {
  const pool = new pg.Pool({
    host: url.host,
    port: url.port,
    database: url.database,
    ...(url.user === undefined ? {} : { user: url.user }),
    ...(url.password === undefined ? {} : { password: url.password }),
    ...(url.options === undefined ? {} : { options: url.options }),
    ssl: url.tls === "disable" ? false : { rejectUnauthorized: true, ...rootsOf(url) },
    application_name: "entente",
    max: connections,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    // A server that went silent answers no timeout of its own.
    query_timeout: STATEMENT_MS + 2 * SECOND_MS,
    types: { getTypeParser: parserOf as typeof pg.types.getTypeParser },
  });
  // A connection that breaks while nobody uses it is replaced when somebody needs one; unheard it would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => void client.on("error", () => {}));
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: withCodedErrors(pool) }) });
}

function rootsOf({ rootCertificateFile }: DatabaseUrl): { ca?: string } {
  if (rootCertificateFile === undefined) return {};
  try {
    return { ca: readFileSync(rootCertificateFile, "utf8") };
  } catch (error) {
    throw new StartRefusal(`sslrootcert of databaseUrl cannot be read: ${(error as Error).message}`, error);
  }
}

/** Positions, sequences and times are int8, and all of them numbers that JavaScript holds exactly (S3). */
function parserOf(type: number, format?: "text" | "binary"): (text: string) => unknown {
  return type === pg.types.builtins.INT8 && format !== "binary" ? safeInteger : pg.types.getTypeParser(type, format);
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is not an exact number in JavaScript`);
  return value;
}

function withCodedErrors(pool: pg.Pool): PostgresPool {
  const known = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  const codedClient = (client: pg.PoolClient): PostgresPoolClient => {
    const query = (text: string, parameters: unknown[]) => client.query(text, parameters).catch(rethrowCoded);
    return { query, release: (discard: boolean) => client.release(discard) } as unknown as PostgresPoolClient;
  };
  return {
    options: pool.options,
    async connect() {
      const client = await pool.connect().catch(rethrowCoded);
      const coded = known.get(client) ?? codedClient(client);
      known.set(client, coded);
      return coded;
    },
    end: () => pool.end(),
  } as PostgresPool;
}

function rethrowCoded(error: unknown): never {
  const ours = error instanceof TypeError || error instanceof RangeError;
  if (ours || error instanceof pg.DatabaseError) throw error;
  throw new ConnectionError((error as Error).message || String((error as { code?: unknown }).code), { cause: error });
}
