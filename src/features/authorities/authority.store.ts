import type { ExpressionBuilder } from "kysely";
import type { Authority } from "../../pki/authority.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { EpochMs } from "../../time.ts";
import {
  type Contribution,
  type ContributionState,
  type KnownAuthority,
  PUBLISHING_STATES,
  type Source,
} from "./contribution.ts";

interface AuthorityRow {
  authority_id: string;
  trust_domain: string;
  document: string;
  created_at: number;
  revoked_at: number | null;
  revoked_reason: string | null;
}

const toKnown = (row: AuthorityRow): KnownAuthority => ({
  authorityId: row.authority_id,
  trustDomain: row.trust_domain as TrustDomain,
  authority: JSON.parse(row.document) as Authority,
  createdAt: row.created_at,
  revokedAt: row.revoked_at,
  revokedReason: row.revoked_reason,
});

const AUTHORITY = [
  "authority.authority_id",
  "authority.trust_domain",
  "authority.document",
  "authority.created_at",
  "authority.revoked_at",
  "authority.revoked_reason",
] as const;

const contributions = (db: Executor) =>
  db
    .selectFrom("contribution")
    .innerJoin("authority", "authority.authority_id", "contribution.authority_id")
    .select(AUTHORITY)
    .select([
      "contribution.source_kind",
      "contribution.source_id",
      "contribution.state",
      "contribution.created_at as contributed_at",
      "contribution.changed_at",
      "contribution.reason",
      "contribution.proved_at",
    ]);

type ContributionRow = AuthorityRow & {
  source_kind: string;
  source_id: string;
  state: string;
  contributed_at: number;
  changed_at: number;
  reason: string | null;
  proved_at: number | null;
};

const toContribution = (row: ContributionRow): Contribution => ({
  known: toKnown(row),
  source: { kind: row.source_kind as Source["kind"], id: row.source_id },
  state: row.state as ContributionState,
  createdAt: row.contributed_at,
  changedAt: row.changed_at,
  reason: row.reason,
  provedAt: row.proved_at,
});

export async function insertAuthority(tx: Executor, known: KnownAuthority): Promise<void> {
  const { authority } = known;
  await tx
    .insertInto("authority")
    .values({
      authority_id: known.authorityId,
      trust_domain: known.trustDomain,
      fingerprint: authority.fingerprint,
      key_fingerprint: authority.keyFingerprint,
      type: authority.type,
      key_id: authority.type === "jwt" ? authority.keyId : null,
      not_after: authority.type === "x509" ? authority.notAfter : null,
      document: JSON.stringify(authority),
      created_at: known.createdAt,
      revoked_at: known.revokedAt,
      revoked_reason: known.revokedReason,
    })
    .execute();
}

export async function markAuthorityRevoked(
  tx: Executor,
  authorityId: string,
  at: EpochMs,
  reason: string | null,
): Promise<void> {
  await tx
    .updateTable("authority")
    .set({ revoked_at: at, revoked_reason: reason })
    .where("authority_id", "=", authorityId)
    .execute();
}

/** Inserts the contribution or brings its state up to date. */
export async function saveContribution(tx: Executor, contribution: Contribution): Promise<void> {
  const { known, source } = contribution;
  const { state, changedAt, reason, provedAt } = contribution;
  const row = { state, changed_at: changedAt, reason, proved_at: provedAt };
  await tx
    .insertInto("contribution")
    .values({
      ...row,
      authority_id: known.authorityId,
      source_kind: source.kind,
      source_id: source.id,
      trust_domain: known.trustDomain,
      created_at: contribution.createdAt,
    })
    .onConflict((conflict) => conflict.columns(["authority_id", "source_kind", "source_id"]).doUpdateSet(row))
    .execute();
}

export async function findAuthority(
  db: Executor,
  trustDomain: TrustDomain,
  fingerprint: string,
): Promise<KnownAuthority | undefined> {
  const row = await db
    .selectFrom("authority")
    .select(AUTHORITY)
    .where("trust_domain", "=", trustDomain)
    .where("fingerprint", "=", fingerprint)
    .executeTakeFirst();
  return row && toKnown(row);
}

/** The JWT signing key that holds a `kid` in a trust domain. */
export async function findKeyId(
  db: Executor,
  trustDomain: TrustDomain,
  keyId: string,
): Promise<KnownAuthority | undefined> {
  const row = await db
    .selectFrom("authority")
    .select(AUTHORITY)
    .where("trust_domain", "=", trustDomain)
    .where("key_id", "=", keyId)
    .executeTakeFirst();
  return row && toKnown(row);
}

/** A trust domain's authority with a key, and whether a source of it has proved that it holds the key. */
export interface Holding {
  readonly known: KnownAuthority;
  readonly proved: boolean;
}

/** Who holds a key, in whatever state (R28, R91), in any trust domain: a claim alone holds nothing. */
export async function holdingsOfKey(db: Executor, keyFingerprint: string): Promise<Holding[]> {
  const rows = await db
    .selectFrom("authority")
    .innerJoin("contribution", "contribution.authority_id", "authority.authority_id")
    .select(AUTHORITY)
    .select((select) => select.fn.max("contribution.proved_at").as("proved_at"))
    .where("authority.key_fingerprint", "=", keyFingerprint)
    .where("contribution.state", "!=", "claimed" satisfies ContributionState)
    .groupBy(AUTHORITY)
    .orderBy("authority.authority_id")
    .execute();
  return rows.map((row) => ({ known: toKnown(row), proved: row.proved_at !== null }));
}

/** Whether a revoked authority of this trust domain has the same key. */
export async function isKeyRevoked(db: Executor, trustDomain: TrustDomain, keyFingerprint: string): Promise<boolean> {
  const row = await db
    .selectFrom("authority")
    .select("authority_id")
    .where("trust_domain", "=", trustDomain)
    .where("key_fingerprint", "=", keyFingerprint)
    .where("revoked_at", "is not", null)
    .executeTakeFirst();
  return row !== undefined;
}

export async function findContribution(
  db: Executor,
  source: Source,
  authorityId: string,
): Promise<Contribution | undefined> {
  const row = await contributions(db)
    .where("contribution.source_kind", "=", source.kind)
    .where("contribution.source_id", "=", source.id)
    .where("contribution.authority_id", "=", authorityId)
    .executeTakeFirst();
  return row && toContribution(row);
}

/** What one source brings, in the order of authority IDs, after `after`. */
export async function listContributions(
  db: Executor,
  source: Source,
  after: string,
  limit: number,
): Promise<Contribution[]> {
  const rows = await contributions(db)
    .where("contribution.source_kind", "=", source.kind)
    .where("contribution.source_id", "=", source.id)
    .where("contribution.authority_id", ">", after)
    .orderBy("contribution.authority_id")
    .limit(limit)
    .execute();
  return rows.map(toContribution);
}

/** What a source brings that is neither retired nor revoked, in the order of authority IDs. */
export async function livingContributions(db: Executor, source: Source): Promise<Contribution[]> {
  const rows = await contributions(db)
    .where("contribution.source_kind", "=", source.kind)
    .where("contribution.source_id", "=", source.id)
    .where("contribution.state", "!=", "retired")
    .where("authority.revoked_at", "is", null)
    .orderBy("contribution.authority_id")
    .execute();
  return rows.map(toContribution);
}

/** How many authorities a source publishes or claims at `now`: those that are neither retired, revoked nor expired. */
export async function countPublished(db: Executor, source: Source, now: EpochMs): Promise<number> {
  const row = await db
    .selectFrom("contribution")
    .innerJoin("authority", "authority.authority_id", "contribution.authority_id")
    .select((select) => select.fn.countAll().as("count"))
    .where("contribution.source_kind", "=", source.kind)
    .where("contribution.source_id", "=", source.id)
    .where("contribution.state", "!=", "retired")
    .where("authority.revoked_at", "is", null)
    .where((where) => where.or([where("authority.not_after", "is", null), where("authority.not_after", ">", now)]))
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}

/** Those of the granted members of their trust domain, and of the broker itself. */
const isStanding = ({ and, or, eb, ref, exists, selectFrom }: ExpressionBuilder<Tables, "contribution">) =>
  or([
    eb("contribution.source_kind", "=", "broker"),
    and([
      eb("contribution.source_kind", "=", "mesh"),
      exists(
        selectFrom("membership")
          .innerJoin("mesh", "mesh.mesh_id", "membership.mesh_id")
          .select("membership.mesh_id")
          .where("membership.mesh_id", "=", ref("contribution.source_id"))
          .where("membership.trust_domain", "=", ref("contribution.trust_domain"))
          .where("membership.state", "=", "granted")
          .where("mesh.deleted_at", "is", null),
      ),
    ]),
  ]);

/** What a trust domain's granted members and the broker itself bring to it, in whatever state. */
export async function standingContributions(db: Executor, trustDomain: TrustDomain): Promise<Contribution[]> {
  const rows = await contributions(db).where("contribution.trust_domain", "=", trustDomain).where(isStanding).execute();
  return rows.map(toContribution);
}

/** Those by which a trust domain's authorities are published. What was retired, of which there is ever more, is not read. */
export async function publishingContributions(db: Executor, trustDomain: TrustDomain): Promise<Contribution[]> {
  const rows = await contributions(db)
    .where("contribution.trust_domain", "=", trustDomain)
    .where("contribution.state", "in", PUBLISHING_STATES)
    .where("authority.revoked_at", "is", null)
    .where(isStanding)
    .execute();
  return rows.map(toContribution);
}

/** Trust domains of which an X.509 authority leaves the bundle in this span of `notAfter`. */
export async function trustDomainsExpiringBetween(db: Executor, from: EpochMs, to: EpochMs): Promise<TrustDomain[]> {
  const rows = await db
    .selectFrom("authority")
    .select("trust_domain")
    .distinct()
    .where("not_after", ">", from)
    .where("not_after", "<=", to)
    .execute();
  return rows.map((row) => row.trust_domain as TrustDomain);
}

/** Instants after `after` at which an unrevoked X.509 authority expires, ascending. */
export async function authorityExpiries(db: Executor, after: EpochMs, limit: number): Promise<EpochMs[]> {
  const rows = await db
    .selectFrom("authority")
    .select("not_after")
    .where("revoked_at", "is", null)
    .where("not_after", ">", after)
    .orderBy("not_after")
    .limit(limit)
    .execute();
  return rows.map((row) => Number(row.not_after));
}

/** Published X.509 authorities that expire after `from`, up to `to`. */
export async function authoritiesExpiring(db: Executor, from: EpochMs, to: EpochMs): Promise<KnownAuthority[]> {
  const rows = await db
    .selectFrom("authority")
    .select(AUTHORITY)
    .where("not_after", ">", from)
    .where("not_after", "<=", to)
    .where("revoked_at", "is", null)
    .where(({ exists, selectFrom, ref }) =>
      exists(
        selectFrom("contribution")
          .select("contribution.authority_id")
          .where("contribution.authority_id", "=", ref("authority.authority_id"))
          .where("contribution.state", "in", PUBLISHING_STATES)
          .where(isStanding),
      ),
    )
    .orderBy("not_after")
    .execute();
  return rows.map(toKnown);
}
