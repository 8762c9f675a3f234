import type { EpochMs } from "../time.ts";
import type { Executor } from "./tables.ts";

/** The newest CA certificate of the broker that its servers share, as PEM. */
export async function sharedCertificate(db: Executor): Promise<string | undefined> {
  const row = await db
    .selectFrom("broker_certificate")
    .select("pem")
    .orderBy("generation", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.pem;
}

export async function insertSharedCertificate(tx: Executor, pem: string, now: EpochMs): Promise<void> {
  const { newest } = await tx
    .selectFrom("broker_certificate")
    .select((select) => select.fn.max("generation").as("newest"))
    .executeTakeFirstOrThrow();
  await tx
    .insertInto("broker_certificate")
    .values({ generation: Number(newest ?? 0) + 1, pem, created_at: now })
    .execute();
}

export async function newestSealedKey(
  db: Executor,
  name: string,
): Promise<{ readonly generation: number; readonly sealed: string } | undefined> {
  return db
    .selectFrom("sealed_key")
    .select(["generation", "sealed"])
    .where("name", "=", name)
    .orderBy("generation", "desc")
    .limit(1)
    .executeTakeFirst();
}

/** Never replaces one: two of a name and generation are an error of the database. */
export async function insertSealedKey(
  tx: Executor,
  key: { readonly name: string; readonly generation: number; readonly sealed: string },
  now: EpochMs,
): Promise<void> {
  await tx
    .insertInto("sealed_key")
    .values({ ...key, created_at: now })
    .execute();
}

/** Every generation of a name, or every one before `generation`. */
export async function deleteSealedKeys(tx: Executor, name: string, before?: number): Promise<void> {
  let query = tx.deleteFrom("sealed_key").where("name", "=", name);
  if (before !== undefined) query = query.where("generation", "<", before);
  await query.execute();
}

export async function sealedKeyNames(db: Executor): Promise<readonly string[]> {
  const rows = await db.selectFrom("sealed_key").select("name").distinct().orderBy("name").execute();
  return rows.map(({ name }) => name);
}
