import { expect, it } from "vitest";
import { renderProjections } from "../../src/bundle/projections.ts";
import { unexpired } from "../../src/bundle/published.ts";
import { sequenceOf } from "../../src/bundle/sequence.ts";
import type { Upload } from "../../src/bundle/upload.ts";
import { registerAuthorities, transitionAuthority } from "../../src/features/authorities/authority.service.ts";
import { documentOf, findRevision, listRevisions } from "../../src/features/bundles/bundle.service.ts";
import { publishedDomains } from "../../src/features/bundles/publication.service.ts";
import { parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { changeTrustDomain } from "../../src/features/trust-domains/trust-domain.service.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { DAY_MS } from "../../src/time.ts";
import { jwtEntry } from "../bundle/entries.ts";
import { describeOnEachEngine, type OpenDatabase } from "../support/databases.ts";
import { adminOf, NOON, storeBroker } from "../support/store-broker.ts";
import { testCa } from "../support/test-ca.ts";

const shop = parseMeshId("shop");
const shopDomain = parseTrustDomain("shop.example");
const NEWEST = Number.MAX_SAFE_INTEGER;

const ca = (commonName: string, notAfter = NOON + 90 * DAY_MS): Upload => ({
  pem: testCa({ trustDomain: shopDomain, commonName, notBefore: NOON - DAY_MS, notAfter }).certificatePem,
});

/** A broker whose mesh makes revisions, and what the bundle endpoint served of each, by sequence. */
async function servingBroker(open: OpenDatabase) {
  const broker = await storeBroker(await open(), { generation: 3 });
  await broker.register(shop, shopDomain);
  const served = new Map<number, string>();
  const serve = async () => {
    const [domain] = await publishedDomains(broker.db, [shopDomain]);
    if (!domain) throw new Error("nothing is published");
    const sequence = sequenceOf(broker.generation, domain.position);
    const authorities = unexpired(domain.authorities, broker.time.clock()).map(({ authority }) => authority);
    const { body } = renderProjections(authorities, domain.refreshHintSeconds, sequence).spiffe;
    served.set(sequence, body.toString());
  };
  return {
    ...broker,
    served,
    async upload(upload: Upload) {
      const brought = await broker.run(adminOf(shop), (work) => registerAuthorities(work, shop, upload, "prepared"));
      await serve();
      return brought.contributions[0]?.known.authorityId as string;
    },
    async move(authorityId: string, to: "retired" | "revoked") {
      const asked = { to, reason: null, force: true };
      await broker.run(adminOf(shop), (work) => transitionAuthority(work, shop, authorityId, asked));
      await serve();
    },
    async hint(refreshHintSeconds: number) {
      await broker.run(adminOf(shop), (work) =>
        changeTrustDomain(work, adminOf(shop), shopDomain, { refreshHintSeconds }),
      );
      await serve();
    },
  };
}

describeOnEachEngine("the document of a revision", (open) => {
  it("is byte for byte what was served, whatever became of its authorities since", async () => {
    const broker = await servingBroker(open);
    const { db, served } = broker;
    const [first, second] = [await broker.upload(ca("first")), await broker.upload(ca("second"))];
    const key = await broker.upload({ jwk: JSON.parse(JSON.stringify(jwtEntry("k\u00e9y"))) });
    await broker.hint(301);
    await broker.move(first, "retired");
    await broker.move(key, "revoked");
    await broker.hint(300);
    await broker.move(second, "revoked");
    await broker.upload(ca("third"));
    const revisions = await listRevisions(db, shopDomain, NEWEST, 100);
    expect(revisions).toHaveLength(served.size);
    expect(served.size).toBe(9);
    for (const revision of revisions) expect(await documentOf(db, revision)).toBe(served.get(revision.sequence));
  });

  it("is not kept with it: a new hint writes no certificate again", async () => {
    const broker = await servingBroker(open);
    await broker.upload(ca("first"));
    await broker.hint(301);
    const rows = await broker.db
      .selectFrom("revision")
      .select("bundle")
      .where("trust_domain", "=", shopDomain)
      .execute();
    expect(rows.map(({ bundle }) => bundle)).toEqual(["", ""]);
  });

  it("is no other where an earlier version kept it, which neither a list nor a look at one revision reads", async () => {
    const broker = await servingBroker(open);
    const { db, served } = broker;
    await broker.upload(ca("first"));
    const [revision] = await listRevisions(db, shopDomain, NEWEST, 1);
    if (!revision) throw new Error("no revision");
    const { trustDomain, position, ...content } = revision;
    const earlier = { position: position + 100, sequence: revision.sequence + 100 };
    const bundle = served.get(revision.sequence)?.replace(`${revision.sequence}`, `${earlier.sequence}`) ?? "";
    const row = await db.selectFrom("revision").selectAll().where("position", "=", position).executeTakeFirstOrThrow();
    await db
      .insertInto("revision")
      .values({ ...row, ...earlier, bundle })
      .execute();
    const kept = await findRevision(db, trustDomain, earlier.sequence);
    if (!kept) throw new Error("no revision");
    expect(kept).toEqual({ trustDomain, ...content, ...earlier });
    expect(await listRevisions(db, trustDomain, NEWEST, 1)).toEqual([kept]);
    expect(await documentOf(db, kept)).toBe(bundle);
  });
});
