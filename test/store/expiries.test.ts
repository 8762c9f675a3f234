import { expect, it } from "vitest";
import {
  invite,
  noteInvitationRefused,
  revokeInvitation,
  spendInvitation,
} from "../../src/features/access/invitation.service.ts";
import { MAX_REFUSALS } from "../../src/features/access/invitation.ts";
import { issueToken, revokeToken } from "../../src/features/access/token.service.ts";
import { insertToken } from "../../src/features/access/token.store.ts";
import { listEvents } from "../../src/features/audit/audit.store.ts";
import { registerAuthorities, transitionAuthority } from "../../src/features/authorities/authority.service.ts";
import { createCode, revokeCode } from "../../src/features/federation-codes/federation-code.service.ts";
import { giveConsent } from "../../src/features/federations/decide.service.ts";
import { propose } from "../../src/features/federations/propose.service.ts";
import { type MeshId, parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { createPoller, revokePoller } from "../../src/features/pollers/poller.service.ts";
import { deadlineLook } from "../../src/server/deadline-keeper.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import type { Actor } from "../../src/store/event.ts";
import { newestEvent } from "../../src/store/event-log.ts";
import type { UnitOfWork, Work } from "../../src/store/unit-of-work.ts";
import { parseText } from "../../src/text.ts";
import { DAY_MS, HOUR_MS, SECOND_MS, toRfc3339 } from "../../src/time.ts";
import { describeOnEachEngine, type OpenDatabase } from "../support/databases.ts";
import { adminOf, BROKER_DOMAIN, NOON, operator, type StoreBroker, storeBroker } from "../support/store-broker.ts";
import { testCa } from "../support/test-ca.ts";

const shop = parseMeshId("shop");
const bank = parseMeshId("bank");
const shopDomain = parseTrustDomain("shop.example");
const lateDomain = parseTrustDomain("late.example");
const HOUR_SECONDS = HOUR_MS / SECOND_MS;
const END = NOON + HOUR_MS;

/** A broker with two meshes and a keeper of its deadlines that looks when told to. */
async function keptBroker(open: OpenDatabase) {
  const broker = await storeBroker(await open());
  await broker.register(shop, shopDomain);
  await broker.register(bank, "bank.example");
  let passed = 0;
  let units = 0;
  const look = deadlineLook({
    isShared: false,
    db: broker.db,
    unitOfWork: {
      run(actor: Actor, change: (work: Work) => Promise<unknown>) {
        units += 1;
        return broker.run(actor, change);
      },
    } as UnitOfWork,
    clock: broker.time.clock,
    monotonic: () => passed,
    lastKnown: await newestEvent(broker.db),
  });
  const pass = (ms: number) => {
    passed += ms;
    broker.time.pass(ms);
  };
  const all = () => listEvents(broker.db, { all: true }, { subjects: [] }, { order: "asc", after: 0, limit: 10_000 });
  return {
    ...broker,
    look,
    pass,
    /** Lets time go by until `instant`, and looks. */
    async lookAt(instant: number) {
      pass(instant - broker.time.clock());
      await look();
    },
    units: () => units,
    events: async () => (await all()).filter(({ type }) => type !== "clock.jumped"),
    expired: async () => (await all()).filter(({ type }) => type.endsWith(".expired")),
  };
}

const ca = (trustDomain: string, notAfter: number) => ({
  pem: testCa({ trustDomain, notBefore: NOON - DAY_MS, notAfter }).certificatePem,
});
const contribute = async (broker: StoreBroker, notAfter: number) => {
  const upload = ca(shopDomain, notAfter);
  const { contributions } = await broker.run(adminOf(shop), (work) =>
    registerAuthorities(work, shop, upload, "prepared"),
  );
  return contributions[0]?.known.authorityId as string;
};
const move = (broker: StoreBroker, authorityId: string, to: "retired" | "revoked") =>
  broker.run(adminOf(shop), (work) => transitionAuthority(work, shop, authorityId, { to, reason: null, force: true }));
const makePoller = async (broker: StoreBroker, name: string) =>
  (
    await broker.run(adminOf(shop), (work) =>
      createPoller(work, shop, { name: parseText(name, ""), expiresInSeconds: HOUR_SECONDS }),
    )
  ).poller.pollerId;
const makeToken = async (broker: StoreBroker, ...meshes: readonly MeshId[]) =>
  (
    await broker.run(operator, (work) =>
      issueToken(work, { name: parseText("guest", ""), role: "mesh-viewer", meshes, expiresInSeconds: HOUR_SECONDS }),
    )
  ).token.tokenId;
const makeInvitation = async (broker: StoreBroker) =>
  (
    await broker.run(operator, (work) =>
      invite(work, { trustDomain: lateDomain, meshId: null, expiresInSeconds: HOUR_SECONDS }, BROKER_DOMAIN),
    )
  ).invitation;
const makeCode = (broker: StoreBroker) =>
  broker.run(adminOf(shop), (work) =>
    createCode(work, shop, { trust: null, federationExpiresAt: null, expiresInSeconds: HOUR_SECONDS, reason: null }),
  );
const decide = (broker: StoreBroker, meshId: MeshId, federationId: string, decision: "grant" | "withdraw") =>
  broker.run(adminOf(meshId), (work) =>
    giveConsent(work, adminOf(meshId), federationId, { meshId, decision, termsDigest: null, reason: null }),
  );
const federate = async (broker: StoreBroker, expiresAt: number | null = END) => {
  const asked = { proposer: bank, peer: shop, trust: undefined, expiresAt, reason: null };
  const { federationId } = await broker.run(adminOf(bank), (work) => propose(work, adminOf(bank), asked));
  await decide(broker, shop, federationId, "grant");
  return federationId;
};

describeOnEachEngine("what expires by the clock", (open) => {
  it("is an event by the clock at its instant, once, about the thing itself and whom it concerns (S21)", async () => {
    const broker = await keptBroker(open);
    await contribute(broker, NOON + 9 * DAY_MS);
    const authorityId = await contribute(broker, END);
    const pollerId = await makePoller(broker, "guest");
    const tokenId = await makeToken(broker, bank, shop);
    const { invitationId } = await makeInvitation(broker);
    const { codeId } = (await makeCode(broker)).code;
    const federationId = await federate(broker);
    await broker.lookAt(END - 1);
    expect(await broker.expired()).toEqual([]);
    await broker.lookAt(END);
    await broker.lookAt(END + SECOND_MS);
    const told = await broker.expired();
    const both = ["mesh/bank", "mesh/shop"];
    expect(Object.fromEntries(told.map(({ type, subjects }) => [type, subjects]))).toEqual({
      "federation.expired": [
        `federation/${federationId}`,
        ...both,
        "trust-domain/bank.example",
        "trust-domain/shop.example",
      ],
      "authority.expired": [`authority/${authorityId}`, "mesh/shop", "trust-domain/shop.example"],
      "poller.expired": ["mesh/shop", `poller/${pollerId}`],
      "token.expired": [...both, `token/${tokenId}`],
      "invitation.expired": [`invitation/${invitationId}`, "trust-domain/late.example"],
      "federation-code.expired": [`federation-code/${codeId}`, "mesh/shop"],
    });
    expect(told).toHaveLength(6);
    for (const { at, detail } of told) {
      expect([at, detail?.actor, detail?.actingMesh]).toEqual([END, { kind: "broker", id: "clock" }, null]);
      expect(detail?.fields.expiresAt ?? detail?.fields.notAfter).toBe(toRfc3339(END));
    }
  });

  it("is no event where it had ended before: revoked, retired, spent, void or withdrawn", async () => {
    const broker = await keptBroker(open);
    await contribute(broker, NOON + 9 * DAY_MS);
    for (const to of ["retired", "revoked"] as const) await move(broker, await contribute(broker, END), to);
    const pollerId = await makePoller(broker, "guest");
    await broker.run(adminOf(shop), (work) => revokePoller(work, shop, pollerId));
    const tokenId = await makeToken(broker, shop);
    await broker.run(adminOf(shop), (work) => revokeToken(work, adminOf(shop), tokenId));
    const [revoked, spent, guessed] = [
      await makeInvitation(broker),
      await makeInvitation(broker),
      await makeInvitation(broker),
    ];
    await broker.run(operator, (work) => revokeInvitation(work, revoked.invitationId));
    await broker.run(operator, (work) => spendInvitation(work, spent, bank));
    for (let count = 0; count < MAX_REFUSALS; count += 1)
      await broker.run(operator, (work) => noteInvitationRefused(work, guessed.invitationId));
    await decide(broker, bank, await federate(broker), "withdraw");
    const { codeId } = (await makeCode(broker)).code;
    await broker.run(adminOf(shop), (work) => revokeCode(work, shop, codeId));
    const { secret } = await makeCode(broker);
    const asked = { proposer: bank, peer: undefined, code: secret, trust: undefined, reason: null };
    const { federationId } = await broker.run(adminOf(bank), (work) =>
      propose(work, adminOf(bank), { ...asked, expiresAt: undefined }),
    );
    await decide(broker, bank, federationId, "withdraw");
    const before = await broker.events();
    await broker.lookAt(END);
    expect(await broker.events()).toEqual(before);
    const looked = broker.units();
    await broker.lookAt(END + SECOND_MS);
    expect(broker.units(), "units of work of an idle look").toBe(looked);
  });

  it("a federation's end comes before the end of the access that it gave, which names it", async () => {
    const broker = await keptBroker(open);
    await contribute(broker, NOON + 9 * DAY_MS);
    await makeToken(broker, shop);
    await federate(broker);
    const before = (await broker.events()).length;
    await broker.lookAt(END);
    const told = (await broker.events()).slice(before);
    expect(told.map(({ type }) => type)).toEqual([
      "federation.expired",
      "token.expired",
      "bundle-access.withdrawn",
      "bundle-access.withdrawn",
    ]);
    for (const { detail } of told.slice(2)) expect(detail?.fields.cause).toBe("federation.expired");
  });

  it("a revision that falls due at the same time does not name an expiry that has nothing to do with it", async () => {
    const broker = await keptBroker(open);
    await contribute(broker, NOON + 9 * DAY_MS);
    await contribute(broker, NOON + HOUR_MS);
    broker.pass(DAY_MS);
    await broker.look();
    await makeToken(broker, shop);
    await federate(broker, END + DAY_MS);
    const before = (await broker.events()).length;
    await broker.lookAt(END + DAY_MS);
    const told = (await broker.events()).slice(before);
    expect(told.map(({ type }) => type)).toEqual([
      "federation.expired",
      "token.expired",
      "bundle-access.withdrawn",
      "bundle-access.withdrawn",
      "clock.deadline-passed",
      "bundle.revised",
    ]);
    const row = await broker.db.selectFrom("revision").select("cause").orderBy("position", "desc").executeTakeFirst();
    expect(row?.cause).toBe("clock.deadline-passed");
  });

  it("L6: by a clock that was set back it expires again, and the log says so again", async () => {
    const broker = await keptBroker(open);
    const pollerId = await makePoller(broker, "guest");
    const told = async () => (await broker.expired()).map(({ subjects }) => subjects[1]);
    await broker.lookAt(END);
    broker.time.setClock(NOON + SECOND_MS);
    await broker.look();
    expect(await told()).toEqual([`poller/${pollerId}`]);
    await broker.lookAt(END);
    expect(await told()).toEqual([`poller/${pollerId}`, `poller/${pollerId}`]);
  });

  it("L6: what was made in a moment when the clock was behind, and nobody looked, is told of too", async () => {
    const broker = await keptBroker(open);
    await makeToken(broker, shop);
    await broker.lookAt(END);
    broker.time.setClock(NOON - HOUR_MS);
    const pollerId = await makePoller(broker, "early");
    broker.time.setClock(END);
    await broker.look();
    expect((await broker.expired()).map(({ subjects }) => subjects)).toContainEqual([
      "mesh/shop",
      `poller/${pollerId}`,
    ]);
  });

  it("hundreds that expired while the log was silent are told in several units of work, each once", async () => {
    const broker = await keptBroker(open);
    const ids = Array.from({ length: 450 }, (_, index) => `tok_${String(index).padStart(3, "0")}`);
    await broker.db.transaction().execute(async (tx) => {
      for (const [index, tokenId] of ids.entries()) {
        const named = { tokenId, name: parseText("many", ""), role: "auditor", meshes: [] } as const;
        const times = {
          createdAt: NOON,
          expiresAt: NOON + 1 + index,
          lifeSeconds: 1,
          revokedAt: null,
          lastUsedAt: null,
        };
        await insertToken(tx, { ...named, ...times, createdBy: "system" }, "hash");
      }
    });
    await broker.lookAt(END);
    expect((await broker.expired()).map(({ subjects }) => subjects[0])).toEqual(ids.map((id) => `token/${id}`));
    expect(broker.units()).toBe(3);
  });

  it("bundles of hundreds of trust domains that fall due at one instant are looked at in several units of work", async () => {
    const broker = await keptBroker(open);
    const { db } = broker;
    const row = { refresh_hint_seconds: 300, public: 0, created_at: NOON, updated_at: NOON, next_deadline: END };
    const names = Array.from({ length: 250 }, (_, index) => `due-${index}.example`);
    await db
      .insertInto("trust_domain")
      .values(
        names.map((name) => ({
          ...row,
          name,
          owner: null,
          freed_at: null,
          owned_since: null,
          revision_position: null,
        })),
      )
      .execute();
    await broker.lookAt(END);
    expect(broker.units()).toBe(3);
    const due = db.selectFrom("trust_domain").select("name").where("next_deadline", "is not", null);
    expect(await due.execute()).toEqual([]);
  });
});
