import { canonicalOrder, dropAtOf, type PublishedAuthority } from "../../bundle/published.ts";
import { sequenceOf } from "../../bundle/sequence.ts";
import type { Authority } from "../../pki/authority.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
import type { EpochMs } from "../../time.ts";
import type { Revision } from "./bundle.ts";

/** What the bundle endpoint needs of a trust domain: its newest revision. */
export interface PublishedDomainRow {
  readonly trustDomain: TrustDomain;
  readonly position: number;
  readonly lastModifiedSeconds: number;
  readonly refreshHintSeconds: number;
  readonly public: boolean;
  readonly authorities: readonly PublishedAuthority[];
}

/** Fingerprints that are asked for one by one. */
const MOST_NAMED = 1_000;

/** The newest revisions of these trust domains, or of all. */
export async function publishedDomains(
  db: Executor,
  names: readonly TrustDomain[] | "all",
): Promise<PublishedDomainRow[]> {
  if (names.length === 0) return [];
  let revisions = db
    .selectFrom("revision")
    .innerJoin("trust_domain", (join) =>
      join
        .onRef("trust_domain.name", "=", "revision.trust_domain")
        .onRef("trust_domain.revision_position", "=", "revision.position"),
    )
    .select([
      "revision.trust_domain",
      "revision.position",
      "revision.last_modified_seconds",
      "revision.refresh_hint_seconds",
      "revision.fingerprints",
      "trust_domain.public",
    ]);
  if (names !== "all") revisions = revisions.where("revision.trust_domain", "in", names);
  const rows = (await revisions.execute()).map((row) => ({
    ...row,
    fingerprints: JSON.parse(row.fingerprints) as string[],
  }));
  const named = rows.flatMap(({ fingerprints }) => fingerprints);
  const authorities = await authoritiesOf(db, names, named);
  return rows.map((row) => ({
    trustDomain: row.trust_domain as TrustDomain,
    position: row.position,
    lastModifiedSeconds: row.last_modified_seconds,
    refreshHintSeconds: row.refresh_hint_seconds,
    public: row.public === 1,
    authorities: canonicalOrder(row.fingerprints.map((fingerprint) => authorities(row.trust_domain, fingerprint))).map(
      (authority) => ({ authority, dropAt: dropAtOf(authority) }),
    ),
  }));
}

/** What a revision published, as it was then: an authority is written once, and what it comes to later lies beside it. */
export async function authoritiesOfRevision(
  db: Executor,
  { trustDomain, fingerprints }: Pick<Revision, "trustDomain" | "fingerprints">,
): Promise<Authority[]> {
  const authorities = await authoritiesOf(db, [trustDomain], fingerprints);
  return fingerprints.map((fingerprint) => authorities(trustDomain, fingerprint));
}

async function authoritiesOf(db: Executor, names: readonly TrustDomain[] | "all", named: readonly string[]) {
  let query = db.selectFrom("authority").select(["trust_domain", "fingerprint", "document"]);
  if (names !== "all") query = query.where("trust_domain", "in", names);
  // What was retired long ago is not read for one change; of many trust domains the names would be too many to bind.
  if (named.length > 0 && named.length <= MOST_NAMED) query = query.where("fingerprint", "in", named);
  const rows = await query.execute();
  const documents = new Map(rows.map((row) => [`${row.trust_domain} ${row.fingerprint}`, row.document]));
  return (trustDomain: string, fingerprint: string): Authority => {
    const document = documents.get(`${trustDomain} ${fingerprint}`);
    // Served without one of its authorities, a revision would be other bytes under its own number.
    if (document === undefined) throw new Error("a revision names an authority that was not read");
    return JSON.parse(document) as Authority;
  };
}

export interface PollerRow {
  readonly pollerId: string;
  readonly meshId: string;
  readonly tokenHash: string;
  readonly position: number;
  readonly expiresAt: EpochMs | null;
  /** Absent where there are none. */
  readonly former?: readonly { readonly tokenHash: string; readonly endsAt: EpochMs }[];
}

/** The unrevoked ones of these pollers. */
export async function livePollers(db: Executor, ids: readonly string[]): Promise<PollerRow[]> {
  if (ids.length === 0) return [];
  const rows = await unrevoked(db).where("poller_id", "in", ids).execute();
  return withFormer(rows, await formerUrls(db).where("poller_id", "in", ids).execute());
}

/** Every unrevoked poller, in portions: of so many, each is passed on and forgotten before the next is read. */
export async function* allLivePollers(db: Executor, portion = 5_000): AsyncGenerator<PollerRow[]> {
  const former = await formerUrls(db).execute();
  const after = (pollerId: string) =>
    unrevoked(db).where("poller_id", ">", pollerId).orderBy("poller_id").limit(portion).execute();
  for (let rows = await after(""); rows.length > 0; rows = await after(rows.at(-1)?.pollerId ?? ""))
    yield withFormer(rows, former);
}

const unrevoked = (db: Executor) =>
  db
    .selectFrom("poller")
    .select([
      "poller_id as pollerId",
      "mesh_id as meshId",
      "token_hash as tokenHash",
      "position",
      "expires_at as expiresAt",
    ])
    .where("revoked_at", "is", null);

const formerUrls = (db: Executor) =>
  db.selectFrom("former_poller_url").select(["poller_id as pollerId", "token_hash as tokenHash", "ends_at as endsAt"]);

function withFormer(
  rows: PollerRow[],
  urls: readonly { readonly pollerId: string; readonly tokenHash: string; readonly endsAt: EpochMs }[],
): PollerRow[] {
  if (urls.length === 0) return rows;
  const former = Map.groupBy(urls, ({ pollerId }) => pollerId);
  return rows.map((row) => {
    const own = former.get(row.pollerId);
    return own ? { ...row, former: own.map(({ tokenHash, endsAt }) => ({ tokenHash, endsAt })) } : row;
  });
}

export interface OwingPoller {
  readonly pollerId: string;
  readonly meshId: string;
  readonly trustDomain: string;
}

/**
 * Unrevoked pollers that fetched a bundle and have not fetched the tombstone of its withdrawal: of all consumers, or of
 * these and maybe of others.
 */
export async function pollersOwing(
  db: Executor,
  pairs: readonly { readonly meshId: string; readonly trustDomain: string }[] | "all",
  generation: number,
): Promise<OwingPoller[]> {
  if (pairs.length === 0) return [];
  const query = db
    .selectFrom("bundle_access as access")
    .innerJoin("delivery", (join) =>
      join.onRef("delivery.mesh_id", "=", "access.mesh_id").onRef("delivery.trust_domain", "=", "access.trust_domain"),
    )
    .innerJoin("poller", "poller.poller_id", "delivery.poller_id")
    .select(["delivery.poller_id", "delivery.mesh_id", "delivery.trust_domain"])
    .where("access.state", "=", "withdrawn")
    .where((eb) => eb("delivery.sequence", "<", eb("access.position", "+", sequenceOf(generation, 0))))
    .where("poller.revoked_at", "is", null)
    .orderBy("delivery.poller_id");
  const rows = await (pairs === "all"
    ? query
    : query
        .where("access.mesh_id", "in", [...new Set(pairs.map(({ meshId }) => meshId))])
        .where("access.trust_domain", "in", [...new Set(pairs.map(({ trustDomain }) => trustDomain))])
  ).execute();
  return rows.map((row) => ({ pollerId: row.poller_id, meshId: row.mesh_id, trustDomain: row.trust_domain }));
}
