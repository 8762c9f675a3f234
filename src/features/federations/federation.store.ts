import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
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

/** Every federation that there ever was between two meshes. */
export async function federationsBetween(db: Executor, a: MeshId, b: MeshId): Promise<Federation[]> {
  const [first, second] = [a, b].sort() as [MeshId, MeshId];
  const rows = await db
    .selectFrom("federation")
    .select("document")
    .where("mesh_a", "=", first)
    .where("mesh_b", "=", second)
    .execute();
  return rows.map(parse);
}

export async function federationsOfMesh(db: Executor, meshId: MeshId): Promise<Federation[]> {
  const rows = await db
    .selectFrom("federation")
    .select("document")
    .where((where) => where.or([where("mesh_a", "=", meshId), where("mesh_b", "=", meshId)]))
    .execute();
  return rows.map(parse);
}

/** Federations of one mesh with any mesh of a trust domain. */
export async function federationsWithTrustDomain(
  db: Executor,
  meshId: MeshId,
  trustDomain: TrustDomain,
): Promise<Federation[]> {
  const rows = await db
    .selectFrom("federation")
    .select("document")
    .where((where) =>
      where.or([
        where.and([where("mesh_a", "=", meshId), where("trust_domain_b", "=", trustDomain)]),
        where.and([where("mesh_b", "=", meshId), where("trust_domain_a", "=", trustDomain)]),
      ]),
    )
    .execute();
  return rows.map(parse);
}

/** What a scope may see: its meshes' own, and those of members of the trust domains that its meshes own. */
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
        where("trust_domain_a", "in", owned),
        where("trust_domain_b", "in", owned),
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

/** Federations, in whatever state, of which the current terms expire after `from`, up to `to`. */
export async function federationsExpiring(db: Executor, from: EpochMs, to: EpochMs): Promise<Federation[]> {
  const rows = await db
    .selectFrom("federation")
    .select("document")
    .where("expires_at", ">", from)
    .where("expires_at", "<=", to)
    .orderBy("expires_at")
    .execute();
  return rows.map(parse);
}
