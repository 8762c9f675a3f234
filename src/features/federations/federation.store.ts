import { type Expression, type ExpressionBuilder, type SqlBool, sql } from "kysely";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { EpochMs } from "../../time.ts";
import type { Scope } from "../access/role.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { currentTerms, type Federation } from "./federation.ts";

const parse = (row: { document: string }): Federation => JSON.parse(row.document) as Federation;

/** Inserts the federation or replaces what was there of it. */
export async function saveFederation(tx: Executor, federation: Federation): Promise<void> {
  const [a, b] = federation.parties;
  const row = {
    updated_at: federation.updatedAt,
    expires_at: currentTerms(federation).expiresAt,
    document: JSON.stringify(federation),
  };
  await tx
    .insertInto("federation")
    .values({
      ...row,
      federation_id: federation.federationId,
      mesh_a: a.meshId,
      mesh_b: b.meshId,
      trust_domain_a: a.trustDomain,
      trust_domain_b: b.trustDomain,
      created_at: federation.createdAt,
    })
    .onConflict((conflict) => conflict.column("federation_id").doUpdateSet(row))
    .execute();
}

export async function findFederation(db: Executor, federationId: string): Promise<Federation | undefined> {
  const row = await db
    .selectFrom("federation")
    .select("document")
    .where("federation_id", "=", federationId)
    .executeTakeFirst();
  return row && parse(row);
}

const documents = (db: Executor) => db.selectFrom("federation").select("document");

const between = (db: Executor, a: MeshId, b: MeshId) => {
  const [first, second] = [a, b].sort() as [MeshId, MeshId];
  return documents(db).where("mesh_a", "=", first).where("mesh_b", "=", second);
};

/**
 * Those that may be open at `now`, of which there are few: whoever ended thousands makes nobody wait for them. Whether the
 * parties let one be open is asked of what was read.
 */
const mayBeOpen = (now: EpochMs) => (where: ExpressionBuilder<Tables, "federation">) =>
  where.and([
    where("standing", "=", "open"),
    where.or([where("expires_at", "is", null), where("expires_at", ">", now)]),
  ]);

/** Those between two meshes that may be open at `now`, or are vetoed. */
export async function standingBetween(db: Executor, a: MeshId, b: MeshId, now: EpochMs): Promise<Federation[]> {
  // Not one query with an alternative: SQLite would read all that there ever were between the two.
  const vetoed = between(db, a, b).where("standing", "=", "vetoed");
  return (await between(db, a, b).where(mayBeOpen(now)).unionAll(vetoed).execute()).map(parse);
}

/** The newest that there ever was between two meshes. */
export async function newestBetween(db: Executor, a: MeshId, b: MeshId): Promise<Federation | undefined> {
  const query = between(db, a, b).orderBy("created_at", "desc").orderBy("federation_id", "desc").limit(1);
  const row = await query.executeTakeFirst();
  return row && parse(row);
}

/** Those of a mesh, on whichever side it is, that are as `are` says. */
async function ofMesh(
  db: Executor,
  meshId: MeshId,
  are: (where: ExpressionBuilder<Tables, "federation">) => Expression<SqlBool>,
): Promise<Federation[]> {
  const onSide = (side: "mesh_a" | "mesh_b") => documents(db).where(side, "=", meshId).where(are);
  return (await onSide("mesh_a").unionAll(onSide("mesh_b")).execute()).map(parse);
}

/** Those of a mesh that were never ended by a word, whatever the clock says of them. */
export const unendedOfMesh = (db: Executor, meshId: MeshId): Promise<Federation[]> =>
  ofMesh(db, meshId, (where) => where("standing", "in", ["open", "vetoed"]));

/** Those of a mesh that may be open at `now`. */
export const federationsOfMesh = (db: Executor, meshId: MeshId, now: EpochMs): Promise<Federation[]> =>
  ofMesh(db, meshId, mayBeOpen(now));

/**
 * The meshes that have ever consented to a federation with one: a stranger that is only proposed to is no peer.
 * @param since event-log position; federations that were proposed before do not count
 */
export async function peersOfMesh(db: Executor, meshId: string, since: number): Promise<string[]> {
  const peers = (side: "a" | "b", other: "a" | "b") =>
    db
      .selectFrom("federation")
      .select(`mesh_${other} as peer`)
      .distinct()
      .where(`mesh_${side}`, "=", meshId)
      .where(`consented_${other}`, "=", 1)
      .$if(since > 0, (query) => query.where(beganAt, ">", since));
  return (await peers("a", "b").union(peers("b", "a")).execute()).map(({ peer }) => peer);
}

/** Those of one mesh with any mesh of a trust domain that may be open at `now`. */
export async function federationsWithTrustDomain(
  db: Executor,
  meshId: MeshId,
  trustDomain: TrustDomain,
  now: EpochMs,
): Promise<Federation[]> {
  const withTrustDomain = (side: "a" | "b", other: "a" | "b") =>
    documents(db)
      .where(`mesh_${side}`, "=", meshId)
      .where(`trust_domain_${other}`, "=", trustDomain)
      .where(mayBeOpen(now));
  return (await withTrustDomain("a", "b").unionAll(withTrustDomain("b", "a")).execute()).map(parse);
}

/** Event-log position at which a federation was proposed; none of one whose event is written with the commit. */
export async function federationBeganAt(db: Executor, federationId: string): Promise<number | undefined> {
  const { position } = await db
    .selectFrom("event_subject")
    .select(({ fn }) => fn.min("position").as("position"))
    .where("subject", "=", `federation/${federationId}`)
    .executeTakeFirstOrThrow();
  return position === null ? undefined : Number(position);
}

const beganAt = sql<number>`(select min(position) from event_subject where subject = 'federation/' || federation.federation_id)`;

/** What a scope may see: its meshes' own, and those over which its meshes are owners (`ownerOverParty`). */
export async function listFederations(
  db: Executor,
  scope: Scope,
  filter: { meshId?: string },
  after: string,
  limit: number,
): Promise<Federation[]> {
  let query = db
    .selectFrom("federation")
    .select("document")
    .where("federation_id", ">", after)
    .orderBy("federation_id")
    .limit(limit);
  const { meshId } = filter;
  if (meshId !== undefined) {
    query = query.where((where) => where.or([where("mesh_a", "=", meshId), where("mesh_b", "=", meshId)]));
  }
  if (!scope.all) {
    const mine = [...scope.meshes, ""];
    const owned = db.selectFrom("trust_domain").select("name").where("owner", "in", mine);
    query = query.where((where) =>
      where.or([
        where("mesh_a", "in", mine),
        where("mesh_b", "in", mine),
        ...(["a", "b"] as const).flatMap((side) => [
          where(`trust_domain_${side}`, "in", owned.where("owned_since", "is", null)),
          where.and([
            where(`trust_domain_${side}`, "in", owned),
            where(
              beganAt,
              ">",
              where
                .selectFrom("trust_domain")
                .select("owned_since")
                .whereRef("name", "=", `federation.trust_domain_${side}`),
            ),
          ]),
        ]),
      ]),
    );
  }
  return (await query.execute()).map(parse);
}

/** Instants after `after` at which the current terms of a federation expire, ascending. */
export async function federationExpiries(db: Executor, after: EpochMs, limit: number): Promise<EpochMs[]> {
  const rows = await db
    .selectFrom("federation")
    .select("expires_at")
    .where("expires_at", ">", after)
    .orderBy("expires_at")
    .limit(limit)
    .execute();
  return rows.map((row) => Number(row.expires_at));
}

/** Federations that nobody ended, of which the current terms expire after `from`, up to `to`. */
export async function federationsExpiring(db: Executor, from: EpochMs, to: EpochMs): Promise<Federation[]> {
  const rows = await db
    .selectFrom("federation")
    .select("document")
    .where("expires_at", ">", from)
    .where("expires_at", "<=", to)
    .where("standing", "=", "open")
    .orderBy("expires_at")
    .execute();
  return rows.map(parse);
}
