import { afterAll, describe, expect, it } from "vitest";
import { expectStatus, federate, registerMesh, runBroker, type TestMesh } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { type BareMesh, bareMesh, bytesButRequestId, refused, UNLIMITED, upload } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const operator = broker.operatorToken;

const domainPath = (name: string) => `/v1/trust-domains/${name}`;
const read = (name: string, token: string) => broker.api("GET", domainPath(name), { token });
const change = (name: string, token: string, body: object) => broker.api("PATCH", domainPath(name), { token, body });
const decide = (owner: BareMesh, meshId: string, decision: string, more: object = {}) =>
  broker.api("POST", `${domainPath(owner.trustDomain)}/memberships`, {
    token: owner.token,
    body: { meshId, decision, ...more },
  });
const granted = (owner: BareMesh, meshId: string) => expectStatus(200, decide(owner, meshId, "grant"));
const pollerOf = async ({ meshId, token }: BareMesh): Promise<string> =>
  (await expectStatus(201, broker.api("POST", `/v1/meshes/${meshId}/pollers`, { token, body: { name: "p" } }))).body
    .token;
const keysSeen = async (pollerToken: string, trustDomain: string): Promise<string[] | number> => {
  const { status, body } = await broker.pollWeb(`/p/${pollerToken}/${trustDomain}`);
  return status === 200 ? JSON.parse(body).keys.map(({ x5c }: { x5c: string[] }) => x5c[0]) : status;
};
const certificateOf = ({ ca }: TestMesh) => Buffer.from(ca.der).toString("base64");

describe("a trust domain", () => {
  it("is a resource with its owner, members and current sequence, for its members, operators and auditors", async () => {
    const mesh = await registerMesh(broker, "resource");
    const { body } = await expectStatus(200, read("resource.example", mesh.token));
    const served = JSON.parse((await broker.pollWeb(`/p/${mesh.pollerToken}/resource.example`)).body);
    expect(body).toMatchObject({
      owner: "resource",
      members: ["resource"],
      sequence: served.spiffe_sequence,
      refreshHintSeconds: 300,
      public: false,
    });
    expect((await read("resource.example", operator)).body).toEqual(body);
    const listed = await broker.api("GET", "/v1/trust-domains", { token: mesh.token });
    expect(listed.body.trustDomains).toEqual([body]);
  });

  it("S16: another's, an absent one and what is no name at all answer the same bytes but the request ID", async () => {
    const { token } = await bareMesh(broker, "curious");
    await registerMesh(broker, "private");
    for (const rest of ["", "/memberships", "/revisions", "/revisions/1"]) {
      const answers = [];
      for (const name of ["private.example", "absent.example", "No%20Name", "broker.example"])
        answers.push(await broker.api("GET", domainPath(name) + rest, { token }));
      expect(new Set(answers.map(bytesButRequestId)).size).toBe(1);
      expect(answers[0]?.status).toBe(404);
    }
  });

  it("takes a refresh hint of 1 to 86,400 seconds, with a warning under 60, and serves it (R18)", async () => {
    const mesh = await registerMesh(broker, "hinting");
    const set = (refreshHintSeconds: unknown) => change("hinting.example", mesh.token, { refreshHintSeconds });
    for (const wrong of [0, 86_401, 1.5, "60", null, -1])
      expect((await refused("invalid-request", set(wrong))).body.pointer).toBe("/refreshHintSeconds");
    for (const right of [1, 59, 60, 86_400]) {
      const { body } = await expectStatus(200, set(right));
      expect(body.refreshHintSeconds).toBe(right);
      const codes = body.warnings.map(({ code }: { code: string }) => code);
      expect(codes).toEqual(right < 60 ? ["short-refresh-hint"] : []);
      const { body: served } = await broker.pollWeb(`/p/${mesh.pollerToken}/hinting.example`);
      expect(JSON.parse(served).spiffe_refresh_hint).toBe(right);
    }
  });

  it("is public when its owner says so, and not a moment longer", async () => {
    const mesh = await registerMesh(broker, "public");
    const fetched = () => broker.pollWeb("/bundles/public.example");
    expect((await fetched()).status).toBe(404);
    await expectStatus(200, change("public.example", mesh.token, { public: true }));
    expect((await fetched()).status).toBe(200);
    await expectStatus(200, change("public.example", mesh.token, { public: false }));
    expect((await fetched()).status).toBe(404);
  });

  it("its settings are the owner's alone: neither a member's nor an operator's", async () => {
    const owner = await registerMesh(broker, "settler");
    const member = await bareMesh(broker, "settler-2", "settler.example");
    await granted(owner, "settler-2");
    await refused("not-the-owner", change("settler.example", member.token, { public: true }));
    await refused("forbidden", change("settler.example", operator, { public: true }));
    await refused("not-the-owner", decide({ ...member, token: member.token }, "settler-2", "expel"));
    await refused("forbidden", decide({ ...owner, token: operator }, "settler-2", "expel"));
    expect((await read("settler.example", owner.token)).body).toMatchObject({ public: false, owner: "settler" });
  });
});

describe("S19: a further mesh is a pending member", () => {
  it("until the owner grants it publishes nothing, reads nothing of the domain and cannot federate", async () => {
    const owner = await registerMesh(broker, "host");
    const peer = await registerMesh(broker, "outsider");
    const guest = await bareMesh(broker, "guest", "host.example");
    const poller = await pollerOf(guest);
    const { body: mesh } = await broker.api("GET", "/v1/meshes/guest", { token: guest.token });
    expect(mesh.membership).toBe("pending");

    const pem = testCa({ trustDomain: "host.example" }).certificatePem;
    await refused(
      "membership-pending",
      broker.api("POST", "/v1/meshes/guest/authorities", { token: guest.token, body: { pem } }),
    );
    for (const rest of ["", "/memberships", "/revisions"])
      await refused("not-found", broker.api("GET", `/v1/trust-domains/host.example${rest}`, { token: guest.token }));
    expect((await broker.api("GET", "/v1/trust-domains", { token: guest.token })).body.trustDomains).toEqual([]);
    expect(await keysSeen(poller, "host.example")).toBe(404);
    const propose = (token: string, proposer: string, to: string) =>
      broker.api("POST", "/v1/federations", { token, body: { proposer, peer: to } });
    await refused("membership-pending", propose(guest.token, "guest", "outsider"));
    const pending = await refused("not-found", propose(peer.token, "outsider", "guest"));
    const absent = await refused("not-found", propose(peer.token, "outsider", "nobody"));
    expect(bytesButRequestId(pending)).toBe(bytesButRequestId(absent));
    const directory = await broker.api("GET", "/v1/directory?limit=1000", { token: peer.token });
    expect(directory.text).not.toContain('"guest"');
    const { body } = await read("host.example", owner.token);
    expect(body.members).toEqual(["host"]);
    expect(await keysSeen(owner.pollerToken, "host.example")).toEqual([certificateOf(owner)]);
  });

  it("granted, it shares the bundle: each fetches it, both contribute to it", async () => {
    const owner = await registerMesh(broker, "club");
    const member = await bareMesh(broker, "club-2", "club.example");
    const poller = await pollerOf(member);
    const { body } = await granted(owner, "club-2");
    expect(body).toMatchObject({ meshId: "club-2", state: "granted" });
    expect(await keysSeen(poller, "club.example")).toEqual([certificateOf(owner)]);
    const ca = testCa({ trustDomain: "club.example" });
    await upload(broker, member, ca.certificatePem);
    const both = [certificateOf(owner), Buffer.from(ca.der).toString("base64")].sort();
    for (const token of [owner.pollerToken, poller])
      expect([...((await keysSeen(token, "club.example")) as string[])].sort()).toEqual(both);
    await expectStatus(200, read("club.example", member.token));
  });

  it("denied, it stays outside, may be granted later, and the reason is kept", async () => {
    const owner = await registerMesh(broker, "picky");
    await bareMesh(broker, "picky-2", "picky.example");
    const { body } = await expectStatus(200, decide(owner, "picky-2", "deny", { reason: "who are you?" }));
    expect(body).toMatchObject({ state: "denied", reason: "who are you?" });
    const again = await refused("membership-decision", decide(owner, "picky-2", "deny"));
    expect(again.body.possible).toEqual(["grant"]);
    expect((await granted(owner, "picky-2")).body.state).toBe("granted");
    const more = await refused("membership-decision", decide(owner, "picky-2", "grant"));
    expect(more.body.possible).toEqual(["expel"]);
  });

  it("expelled, its contributions leave the bundle at once, and it fetches a tombstone, then its peers too", async () => {
    const owner = await registerMesh(broker, "guild");
    const member = await bareMesh(broker, "guild-2", "guild.example");
    await granted(owner, "guild-2");
    const memberPoller = await pollerOf(member);
    await upload(broker, member, testCa({ trustDomain: "guild.example" }).certificatePem);
    const peer = await registerMesh(broker, "customer");
    await federate(broker, peer, { ...owner, ...member, pollerToken: memberPoller } as TestMesh);
    expect(await keysSeen(peer.pollerToken, "guild.example")).toHaveLength(2);
    expect(await keysSeen(memberPoller, "customer.example")).toEqual([certificateOf(peer)]);

    await expectStatus(200, decide(owner, "guild-2", "expel", { reason: "left the company" }));
    expect(await keysSeen(owner.pollerToken, "guild.example")).toEqual([certificateOf(owner)]);
    expect(await keysSeen(memberPoller, "guild.example")).toEqual([]);
    expect(await keysSeen(memberPoller, "customer.example")).toEqual([]);
    expect(await keysSeen(peer.pollerToken, "guild.example")).toEqual([]);
    await refused("not-found", read("guild.example", member.token));
    const pem = testCa({ trustDomain: "guild.example" }).certificatePem;
    await refused(
      "membership-pending",
      broker.api("POST", "/v1/meshes/guild-2/authorities", { token: member.token, body: { pem } }),
    );

    await granted(owner, "guild-2");
    expect(await keysSeen(memberPoller, "guild.example")).toHaveLength(2);
    expect(await keysSeen(peer.pollerToken, "guild.example")).toHaveLength(2);
  });

  it("nothing is decided of the owner itself, nor of a mesh that is no member", async () => {
    const owner = await registerMesh(broker, "selfish");
    await bareMesh(broker, "unrelated");
    const { body } = await refused("membership-decision", decide(owner, "selfish", "expel"));
    expect(body.possible).toEqual([]);
    const unrelated = await refused("not-found", decide(owner, "unrelated", "grant"));
    const absent = await refused("not-found", decide(owner, "absentee", "grant"));
    expect(bytesButRequestId(unrelated)).toBe(bytesButRequestId(absent));
  });
});
