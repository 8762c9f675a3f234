import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  expectStatus,
  federate,
  registerMesh,
  runBroker,
  type TestBroker,
  type TestMesh,
} from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { decide, propose, readFederation, served, twoMeshes } from "./federation-fixture.ts";

let broker: TestBroker;
beforeAll(async () => {
  broker = await runBroker();
});
afterAll(() => broker.remove());

const decisions = (federation: { consents: { meshId: string; decision: string }[] }) =>
  Object.fromEntries(federation.consents.map(({ meshId, decision }) => [meshId, decision]));

async function proposed(a: TestMesh, b: TestMesh, terms: Record<string, unknown> = {}): Promise<string> {
  const answer = await expectStatus(201, propose(broker, a.token, a.meshId, b.meshId, terms));
  return answer.body.federationId;
}

describe("a proposal", () => {
  it("is its own side's consent only: nothing is served across before the other side grants", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const answer = await propose(broker, bank.token, bank.meshId, shop.meshId);
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe(`/v1/federations/${answer.body.federationId}`);
    expect(answer.body.state).toBe("pending");
    expect(decisions(answer.body)).toEqual({ [bank.meshId]: "granted", [shop.meshId]: "pending" });
    expect(await served(broker, bank, shop.trustDomain)).toBe(404);
    expect(await served(broker, shop, bank.trustDomain)).toBe(404);

    const granted = await decide(broker, shop, answer.body.federationId, "grant");
    expect(granted.body.state).toBe("active");
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
    expect(await served(broker, shop, bank.trustDomain)).toBe("bundle");
  });

  it("of an operator consents for nobody, and an operator cannot consent for a side (decision 9)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const operator = broker.operatorToken;
    const answer = await propose(broker, operator, bank.meshId, shop.meshId);
    expect(answer.status).toBe(201);
    expect(decisions(answer.body)).toEqual({ [bank.meshId]: "pending", [shop.meshId]: "pending" });
    const { federationId } = answer.body;
    const forged = await decide(broker, { ...bank, token: operator }, federationId, "grant");
    expect([forged.status, forged.body.code]).toEqual([403, "forbidden"]);

    expect((await decide(broker, shop, federationId, "grant")).body.state).toBe("pending");
    expect(await served(broker, bank, shop.trustDomain)).toBe(404);
    expect((await decide(broker, bank, federationId, "grant")).body.state).toBe("active");
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
  });

  it("of one direction serves that direction alone", async () => {
    const { bank, shop } = await twoMeshes(broker);
    await federate(broker, bank, shop, { trust: [{ consumer: bank.meshId, provider: shop.meshId }] });
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
    expect(await served(broker, shop, bank.trustDomain)).toBe(404);
  });

  it("of a mesh with itself is refused with 422", async () => {
    const { bank } = await twoMeshes(broker);
    const answer = await propose(broker, bank.token, bank.meshId, bank.meshId);
    expect([answer.status, answer.body.code, answer.body.pointer]).toEqual([422, "federation-with-itself", "/peer"]);
  });

  it.each([
    ["an expiry that has passed", () => ({ expiresAt: "2020-01-01T00:00:00Z" }), "/expiresAt"],
    [
      "a direction between others",
      (a: TestMesh) => ({ trust: [{ consumer: a.meshId, provider: "else" }] }),
      "/trust/0",
    ],
    ["no direction", () => ({ trust: [] }), "/trust"],
  ])("with %s is refused with 422", async (_, terms, pointer) => {
    const { bank, shop } = await twoMeshes(broker);
    const answer = await propose(broker, bank.token, bank.meshId, shop.meshId, terms(bank));
    expect([answer.status, answer.body.code, answer.body.pointer]).toEqual([422, "invalid-terms", pointer]);
  });

  it("to an unlisted mesh answers exactly like one to an absent mesh (S16)", async () => {
    const { bank } = await twoMeshes(broker);
    const hidden = await registerMesh(broker, "hidden", { mesh: { listed: false } });
    const answers = [
      await propose(broker, bank.token, bank.meshId, hidden.meshId),
      await propose(broker, bank.token, bank.meshId, "nobody"),
    ];
    const [toHidden, toNobody] = answers.map(({ status, body }) => ({ status, ...body, requestId: "" }));
    expect(toHidden).toEqual(toNobody);
    expect(toHidden?.status).toBe(404);
  });

  it("in another mesh's name answers 404", async () => {
    const { bank, shop } = await twoMeshes(broker);
    expect((await propose(broker, bank.token, shop.meshId, bank.meshId)).status).toBe(404);
  });

  it("beside an open federation of the pair, from either side, is refused with 409", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await proposed(bank, shop);
    for (const [from, to] of [
      [bank, shop],
      [shop, bank],
    ] as const) {
      const answer = await propose(broker, from.token, from.meshId, to.meshId);
      expect([answer.status, answer.body.code]).toEqual([409, "federation-exists"]);
      expect(answer.body.federationId).toBe(federationId);
    }
    await decide(broker, shop, federationId, "deny");
    const next = await proposed(shop, bank);
    const regrant = await decide(broker, shop, federationId, "grant");
    expect([regrant.status, regrant.body.code]).toEqual([409, "federation-exists"]);
    expect((await decide(broker, bank, next, "grant")).body.state).toBe("active");
  });

  it("shows both sides the fingerprints that each published as of the proposal, and that others are published since (S20)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await proposed(bank, shop);
    const expected = {
      [bank.trustDomain]: [bank.ca.authority().fingerprint],
      [shop.trustDomain]: [shop.ca.authority().fingerprint],
    };
    const asShown = async () => {
      const { authorities, conditions } = (await readFederation(broker, shop, federationId)).body;
      expect(authorities).toEqual(expected);
      return conditions.find(({ type }: { type: string }) => type === "AuthoritiesAsShown");
    };
    expect(await asShown()).toMatchObject({ status: "True" });
    const upload = async (mesh: TestMesh) => {
      const ca = testCa({ trustDomain: mesh.trustDomain });
      const sent = { token: mesh.token, body: { pem: ca.certificatePem } };
      await expectStatus(201, broker.api("POST", `/v1/meshes/${mesh.meshId}/authorities`, sent));
      return ca.authority().fingerprint;
    };
    // Of the side that has not said a word yet the proposer learns nothing (S21).
    await upload(shop);
    expect(await asShown()).toMatchObject({ status: "True" });
    const added = await upload(bank);
    expect(await asShown()).toMatchObject({ status: "False", message: expect.stringContaining(added) });
    await decide(broker, shop, federationId, "grant");
    expect((await readFederation(broker, shop, federationId)).body.conditions).not.toContainEqual(
      expect.objectContaining({ type: "AuthoritiesAsShown" }),
    );
  });
});

describe("a consent", () => {
  it("of a token that administers both meshes is that of the one mesh which it names", async () => {
    const operator = broker.operatorToken;
    for (const meshId of ["east", "west"]) {
      const body = { meshId, trustDomain: `${meshId}.example` };
      await expectStatus(201, broker.api("POST", "/v1/meshes", { token: operator, body }));
    }
    const body = { name: "both", role: "mesh-admin", meshes: ["east", "west"] };
    const made = await expectStatus(201, broker.api("POST", "/v1/tokens", { token: operator, body }));
    const { token } = made.body;
    const answer = await expectStatus(201, propose(broker, token, "east", "west"));
    expect(decisions(answer.body)).toEqual({ east: "granted", west: "pending" });
    const again = await decide(broker, { token, meshId: "east" }, answer.body.federationId, "grant");
    expect(again.body.state).toBe("pending");
    const other = await decide(broker, { token, meshId: "west" }, answer.body.federationId, "grant");
    expect(other.body.state).toBe("active");
  });

  it("can be denied, and granted after all", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await proposed(bank, shop);
    const denied = await decide(broker, shop, federationId, "deny", { reason: "not yet" });
    expect(denied.body.state).toBe("denied");
    expect(denied.body.conditions).toContainEqual(
      expect.objectContaining({
        type: "Consented",
        status: "False",
        reason: "Denied",
        message: expect.stringContaining("not yet"),
      }),
    );
    expect(await served(broker, bank, shop.trustDomain)).toBe(404);
    expect((await decide(broker, shop, federationId, "grant")).body.state).toBe("active");
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
  });

  it.each(["bank", "shop"] as const)(
    "can be withdrawn by %s at any time, and only it can give it again",
    async (who) => {
      const { bank, shop } = await twoMeshes(broker);
      const federationId = await federate(broker, bank, shop);
      const leaver = who === "bank" ? bank : shop;
      const stayer = who === "bank" ? shop : bank;
      expect((await decide(broker, leaver, federationId, "withdraw")).body.state).toBe("withdrawn");
      expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
      expect(await served(broker, shop, bank.trustDomain)).toBe("tombstone");
      expect((await decide(broker, stayer, federationId, "grant")).body.state).toBe("withdrawn");
      expect(await served(broker, leaver, stayer.trustDomain)).toBe("tombstone");
      expect((await decide(broker, leaver, federationId, "grant")).body.state).toBe("active");
      expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
      expect(await served(broker, shop, bank.trustDomain)).toBe("bundle");
    },
  );

  it("that the state does not allow is refused with 409 and what is possible", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await proposed(bank, shop);
    const answer = await decide(broker, shop, federationId, "withdraw");
    expect([answer.status, answer.body.code, answer.body.possible]).toEqual([
      409,
      "federation-decision",
      ["grant", "deny"],
    ]);
  });

  it("to terms that changed meanwhile is refused with 409, and nothing is served", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const answer = await expectStatus(201, propose(broker, bank.token, bank.meshId, shop.meshId));
    const { federationId, terms } = answer.body;
    const trust = [{ consumer: bank.meshId, provider: shop.meshId }];
    await expectStatus(
      200,
      broker.api("POST", `/v1/federations/${federationId}/terms`, {
        token: bank.token,
        body: { meshId: bank.meshId, trust },
      }),
    );
    const stale = await decide(broker, shop, federationId, "grant", { termsDigest: terms.termsDigest });
    expect([stale.status, stale.body.code]).toEqual([409, "terms-changed"]);
    expect(await served(broker, bank, shop.trustDomain)).toBe(404);
    const current = (await readFederation(broker, shop, federationId)).body.terms;
    expect(stale.body.termsDigests).toEqual([current.termsDigest]);
    const granted = await decide(broker, shop, federationId, "grant", { termsDigest: current.termsDigest });
    expect(granted.body.state).toBe("active");
    expect(await served(broker, shop, bank.trustDomain)).toBe(404);
  });
});

it("a foreign federation answers like an absent one, to reads, consents and terms (S16)", async () => {
  const { bank, shop } = await twoMeshes(broker);
  const { bank: stranger } = await twoMeshes(broker);
  const federationId = await federate(broker, bank, shop);
  const answersAbout = async (id: string) => {
    const answers = [
      await readFederation(broker, stranger, id),
      await decide(broker, stranger, id, "withdraw"),
      await decide(broker, { token: stranger.token, meshId: bank.meshId }, id, "withdraw"),
      await broker.api("POST", `/v1/federations/${id}/terms`, {
        token: stranger.token,
        body: { meshId: bank.meshId, expiresAt: null },
      }),
    ];
    return answers.map(({ status, body }) => ({ status, ...body, requestId: "" }));
  };
  const foreign = await answersAbout(federationId);
  expect(foreign).toEqual(await answersAbout("fed_absent"));
  expect(foreign.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  const listed = await broker.api("GET", "/v1/federations", { token: stranger.token });
  expect(listed.body.federations).toEqual([]);
  expect((await readFederation(broker, bank, federationId)).body.state).toBe("active");
});
