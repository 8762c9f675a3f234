import { afterAll, describe, expect, it } from "vitest";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { bareMesh, bytesButRequestId, events, invite, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const operator = broker.operatorToken;

const register = (token: string, meshId: string, trustDomain: string, more = {}) =>
  broker.api("POST", "/v1/meshes", { token, body: { meshId, trustDomain, ...more } });
const remove = (token: string, meshId: string, query = "") =>
  broker.api("DELETE", `/v1/meshes/${meshId}${query}`, { token });

describe("registration", () => {
  it("by an operator answers 201, a readable Location, and no token", async () => {
    const described = {
      displayName: "Corner shop",
      dialect: "istio",
      dialectVersion: "1.29",
      labels: { tier: "gold" },
    };
    const made = await expectStatus(201, register(operator, "corner", "corner.example", described));
    expect(made.body).toMatchObject({ ...described, meshId: "corner", membership: "granted", listed: true });
    expect(made.body).not.toHaveProperty("token");
    const read = await expectStatus(200, broker.api("GET", String(made.headers.location), { token: operator }));
    expect(read.body).toEqual(made.body);
  });

  it("says nothing that it was not told: the display name is the mesh ID, the dialect is other", async () => {
    const { token } = await bareMesh(broker, "plain");
    const { body } = await broker.api("GET", "/v1/meshes/plain", { token });
    expect(body).toMatchObject({ displayName: "plain", dialect: "other", dialectVersion: null, labels: {} });
  });

  it.each(["Shop", "-shop", "shop-", "shop.eu", "shöp", "", "a".repeat(64)])(
    "refuses the mesh ID %j",
    async (meshId) => {
      const { body } = await refused("invalid-mesh-id", register(operator, meshId, "odd.example"));
      expect(body.pointer).toBe("/meshId");
    },
  );

  it.each(["Shop.example", "shop example", "spiffe://shop.example", ""])(
    "refuses the trust domain %j",
    async (name) => {
      const { body } = await refused("invalid-trust-domain", register(operator, "odd", name));
      expect(body.pointer).toBe("/trustDomain");
    },
  );

  it("refuses a mesh ID that is taken, also by a mesh that is gone", async () => {
    const { token } = await bareMesh(broker, "once");
    await refused("mesh-id-taken", register(operator, "once", "twice.example"));
    await expectStatus(200, remove(token, "once"));
    await refused("mesh-id-taken", register(operator, "once", "once.example"));
    const invited = await invite(broker, { trustDomain: "twice.example" });
    await refused("mesh-id-taken", register(invited.body.token, "once", "twice.example"));
  });

  it("refuses the broker's own trust domain, and an invitation to it", async () => {
    await refused("trust-domain-reserved", register(operator, "usurper", "broker.example"));
    for (const name of [".", ".."]) await refused("trust-domain-reserved", register(operator, "usurper", name));
    const body = { trustDomain: "broker.example" };
    await refused("trust-domain-reserved", broker.api("POST", "/v1/invitations", { token: operator, body }));
  });
});

describe("a mesh changes what it says of itself", () => {
  it("by JSON merge patch: labels are merged and null removes one", async () => {
    const { token } = await bareMesh(broker, "labelled", undefined, { labels: { keep: "1", drop: "2", change: "3" } });
    const patch = (body: object) => expectStatus(200, broker.api("PATCH", "/v1/meshes/labelled", { token, body }));
    const { body } = await patch({ labels: { drop: null, change: "4", add: "5" }, displayName: "Labelled" });
    expect(body).toMatchObject({ labels: { keep: "1", change: "4", add: "5" }, displayName: "Labelled" });
    expect(body.labels).not.toHaveProperty("drop");
    expect((await patch({ dialectVersion: "1.2" })).body.dialectVersion).toBe("1.2");
    expect((await patch({ dialectVersion: null })).body.dialectVersion).toBeNull();
  });

  it("a patch that changes nothing is no change: no event, the same time", async () => {
    const { token } = await bareMesh(broker, "steady");
    const before = await broker.api("GET", "/v1/meshes/steady", { token });
    const count = (await events(broker, "meshId=steady")).length;
    const same = { displayName: "steady", labels: {} };
    const { body } = await broker.api("PATCH", "/v1/meshes/steady", { token, body: same });
    expect(body).toEqual(before.body);
    expect(await events(broker, "meshId=steady")).toHaveLength(count);
  });

  it.each(["meshId", "trustDomain", "membership"])("cannot change its %s", async (member) => {
    const { token } = await bareMesh(broker, `fixed-${member.toLowerCase()}`);
    const path = `/v1/meshes/fixed-${member.toLowerCase()}`;
    const { body } = await refused("invalid-request", broker.api("PATCH", path, { token, body: { [member]: "x" } }));
    expect(body.pointer).toBe(`/${member}`);
  });

  it("S6: refuses a text that hides what it says, more than 64 labels", async () => {
    const { token } = await bareMesh(broker, "hiding");
    const patch = (body: object) => broker.api("PATCH", "/v1/meshes/hiding", { token, body });
    const { body } = await refused("invalid-text", patch({ displayName: "shop\u202egnp" }));
    expect(body.pointer).toBe("/displayName");
    const inLabel = async (code: "invalid-text" | "invalid-request", labels: object) =>
      (await refused(code, patch({ labels }))).body.pointer;
    expect(await inLabel("invalid-text", { tier: "a\u0000" })).toBe("/labels/tier");
    expect(await inLabel("invalid-request", { "a/tier": 1 })).toBe("/labels/a~1tier");
    expect(await inLabel("invalid-request", { "a/ti er": "x" })).toBe("/labels/a~1ti er");
    await refused(
      "invalid-request",
      patch({ labels: Object.fromEntries([...Array(65).keys()].map((n) => [`l${n}`, ""])) }),
    );
  });

  it("S6: never has more than 64 labels, however they came", async () => {
    const { token } = await bareMesh(broker, "collector");
    const some = (from: number) => Object.fromEntries([...Array(40).keys()].map((n) => [`l${from + n}`, ""]));
    await expectStatus(200, broker.api("PATCH", "/v1/meshes/collector", { token, body: { labels: some(0) } }));
    const more = broker.api("PATCH", "/v1/meshes/collector", { token, body: { labels: some(40) } });
    expect((await refused("invalid-request", more)).body.pointer).toBe("/labels");
  });
});

describe("who finds whom", () => {
  it("the directory has listed meshes, by mesh ID, trust domain and display name alone", async () => {
    const { token } = await bareMesh(broker, "open", undefined, { displayName: "Open" });
    await bareMesh(broker, "secret", undefined, { listed: false });
    const { body } = await expectStatus(200, broker.api("GET", "/v1/directory?limit=1000", { token }));
    expect(body.meshes).toContainEqual({ meshId: "open", trustDomain: "open.example", displayName: "Open" });
    expect(JSON.stringify(body)).not.toContain("secret");
  });

  it("S16, S21: a proposal to an unlisted mesh answers like one to an absent mesh: same bytes but the request ID", async () => {
    const { token } = await bareMesh(broker, "seeker");
    await bareMesh(broker, "unlisted", undefined, { listed: false });
    const propose = (peer: string) =>
      broker.api("POST", "/v1/federations", { token, body: { proposer: "seeker", peer } });
    const unlisted = await refused("not-found", propose("unlisted"));
    const absent = await refused("not-found", propose("absentee"));
    expect(bytesButRequestId(unlisted)).toBe(bytesButRequestId(absent));
    expect(unlisted.text).not.toBe(absent.text);
  });

  it("S16: another's mesh, an absent one and no mesh ID at all answer the same bytes but the request ID", async () => {
    const { token } = await bareMesh(broker, "stranger");
    await bareMesh(broker, "neighbour");
    const long = "a".repeat(300);
    for (const [method, rest, body] of [
      ["GET", "", undefined],
      ["PATCH", "", { listed: false }],
      ["DELETE", "", undefined],
      ["GET", "/authorities", undefined],
      ["POST", "/authorities", { pem: "" }],
      ["GET", "/pollers/pol_x", undefined],
      ["GET", "/deliveries", undefined],
    ] as const) {
      const answers = [];
      for (const meshId of ["neighbour", "absentee", "Not%20an%20ID", long, "a".repeat(3_000), "%zz"])
        answers.push(await broker.api(method, `/v1/meshes/${meshId}${rest}`, { token, ...(body ? { body } : {}) }));
      expect(new Set(answers.map(bytesButRequestId)).size, answers.map(({ text }) => text).join("\n")).toBe(1);
      expect(answers[0]?.status).toBe(404);
    }
  });

  it("a mesh's people list their own meshes only, an operator all", async () => {
    const { token } = await bareMesh(broker, "lister");
    const mine = await broker.api("GET", "/v1/meshes", { token });
    expect(mine.body.meshes.map(({ meshId }: { meshId: string }) => meshId)).toEqual(["lister"]);
    const all = await broker.api("GET", "/v1/meshes?limit=1000", { token: operator });
    expect(all.body.meshes.length).toBeGreaterThan(5);
  });
});

describe("a mesh goes", () => {
  it("is refused while it has open federations, and withdraws them with ?withdraw=true", async () => {
    const leaver = await registerMesh(broker, "leaver");
    const partner = await registerMesh(broker, "partner");
    const federationId = await federate(broker, leaver, partner);
    const poll = () => broker.pollWeb(`/p/${partner.pollerToken}/leaver.example`);
    expect(JSON.parse((await poll()).body).keys).toHaveLength(1);

    const { body } = await refused("mesh-has-federations", remove(leaver.token, "leaver"));
    expect(body.federationIds).toEqual([federationId]);
    await expectStatus(200, broker.api("GET", "/v1/meshes/leaver", { token: leaver.token }));

    await expectStatus(200, remove(leaver.token, "leaver", "?withdraw=true"));
    expect(JSON.parse((await poll()).body).keys).toEqual([]);
    const federation = await broker.api("GET", `/v1/federations/${federationId}`, { token: partner.token });
    expect(federation.body.state).toBe("withdrawn");
    await refused("not-found", broker.api("GET", "/v1/meshes/leaver", { token: operator }));
  });

  it("takes its tokens and pollers with it", async () => {
    const goner = await registerMesh(broker, "goner");
    const poll = () => broker.pollWeb(`/p/${goner.pollerToken}/goner.example`);
    expect((await poll()).status).toBe(200);
    await expectStatus(200, remove(goner.token, "goner"));
    expect((await poll()).status).toBe(404);
    await refused("unauthenticated", broker.api("GET", "/v1/meshes", { token: goner.token }));
  });

  it("S19: the trust domain that it gave back is registered again only by an operator", async () => {
    const { token } = await bareMesh(broker, "first-owner", "freed.example");
    const invited = await invite(broker, { trustDomain: "freed.example" });
    await expectStatus(200, remove(token, "first-owner"));
    const tooLate = { token: operator, body: { trustDomain: "freed.example" } };
    await refused("trust-domain-freed", broker.api("POST", "/v1/invitations", tooLate));
    await refused("trust-domain-freed", register(invited.body.token, "second-owner", "freed.example"));
    const { body } = await expectStatus(201, register(operator, "second-owner", "freed.example"));
    expect(body.membership).toBe("granted");
    const domain = await broker.api("GET", "/v1/trust-domains/freed.example", { token: operator });
    expect(domain.body).toMatchObject({ owner: "second-owner", members: ["second-owner"], public: false });
  });

  it("an owner does not leave its members behind", async () => {
    const owner = await bareMesh(broker, "landlord");
    const tenant = await bareMesh(broker, "tenant", "landlord.example");
    const grant = { meshId: "tenant", decision: "grant" };
    const path = "/v1/trust-domains/landlord.example/memberships";
    await expectStatus(200, broker.api("POST", path, { token: owner.token, body: grant }));
    await refused("trust-domain-has-members", remove(owner.token, "landlord"));
    await expectStatus(200, remove(tenant.token, "tenant"));
    await expectStatus(200, remove(owner.token, "landlord"));
  });
});
