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
/**
 * How long one waits for a server that says nothing: from asking for a connection to its first answer, and from then on
 * for each answer.
 */
const ANSWER_MS = 5 * SECOND_MS;

/**
 * The connection could not be made, or broke before the answer. The driver says so in many ways and mostly without a
 * code; here it has that of SQL's class "connection exception", as the server itself would report it.
 */
class ConnectionError extends Error {
  readonly code = "08006";
}

/**
 * Opens a pool of connections; none is made before it is needed.
 * @param answerMs how long one statement may take; more for those of migrations alone
 * @throws {StartRefusal} where the file of root certificates cannot be read
 */
export function openPostgres(url: DatabaseUrl, connections: number, answerMs = ANSWER_MS): Database {
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
    connectionTimeoutMillis: ANSWER_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    types: { getTypeParser: parserOf as typeof pg.types.getTypeParser },
  });
  // A connection that breaks while nobody uses it is replaced when somebody needs one; unheard it would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => void client.on("error", () => {}));
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: withPatience(pool, answerMs) }) });
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

/** Whatever the driver fails of has a code, and a server that went silent, which ends no wait itself, is not waited for. */
function withPatience(pool: pg.Pool, answerMs: number): PostgresPool {
  const known = new WeakMap<pg.PoolClient, PatientClient>();
  return {
    options: pool.options,
    async connect() {
      const until = performance.now() + answerMs;
      const client = await pool.connect().catch(rethrowCoded);
      const patient = known.get(client) ?? new PatientClient(client, answerMs);
      known.set(client, patient);
      patient.firstAnswerUntil = until;
      return patient as unknown as PostgresPoolClient;
    },
    end: () => pool.end(),
  } as PostgresPool;
}

class PatientClient {
  readonly #client: pg.PoolClient;
  readonly #answerMs: number;
  #isLost = false;
  firstAnswerUntil: number | undefined;

  constructor(client: pg.PoolClient, answerMs: number) {
    this.#client = client;
    this.#answerMs = answerMs;
  }

  async query(text: string, values: unknown[]): Promise<pg.QueryResult> {
    // Nothing is rolled back over a connection that does not answer: its session ends with it.
    if (this.#isLost) throw new ConnectionError("the server did not answer");
    const now = performance.now();
    const until = this.firstAnswerUntil ?? now + this.#answerMs;
    try {
      return await this.#client.query({ text, values, query_timeout: Math.max(1, until - now) } as pg.QueryConfig);
    } catch (error) {
      this.#isLost = !isAnswer(error);
      return rethrowCoded(error);
    } finally {
      this.firstAnswerUntil = undefined;
    }
  }

  release(discard: boolean): void {
    this.#client.release(discard || this.#isLost);
  }
}

/** The server said it, or it is our own mistake: not a connection that broke or went silent. */
const isAnswer = (error: unknown): boolean =>
  error instanceof pg.DatabaseError || error instanceof TypeError || error instanceof RangeError;

function rethrowCoded(error: unknown): never {
  if (isAnswer(error)) throw error;
  throw new ConnectionError((error as Error).message || String((error as { code?: unknown }).code), { cause: error });
}
