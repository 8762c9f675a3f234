import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { nodeTransport } from "../../src/client/node-transport.ts";
import { type Client, requestOf } from "../../src/client/operation.ts";
import {
  allowSharedKey,
  changeMesh,
  createToken,
  deleteMesh,
  invite,
  listAuditEvents,
  listMeshes,
  livez,
  metrics,
  readMesh,
  registerMesh,
} from "../../src/client/operations.ts";
import { itemsOf } from "../../src/client/pages.ts";
import { ProblemError, UnexpectedAnswer } from "../../src/client/problem-error.ts";
import type { HttpAnswer } from "../../src/client/transport.ts";
import { UNLIMITED } from "../api/api-fixture.ts";
import { runBroker } from "../support/running-broker.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const operator = broker.as(broker.operatorToken);

/** What was refused. */
async function problemOf(asked: Promise<unknown>): Promise<ProblemError> {
  const error = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ProblemError);
  return error as ProblemError;
}

async function meshNamed(meshId: string): Promise<Client> {
  const trustDomain = `${meshId}.example`;
  const invited = await invite(operator, { body: { trustDomain } });
  const { body } = await registerMesh(broker.as(invited.body.token), { body: { meshId, trustDomain } });
  return broker.as(body.token ?? "");
}

describe("an operation of the client asks what the contract says", () => {
  it("and gives the answer with its status, ETag and location", async () => {
    const made = await invite(operator, { body: { trustDomain: "made.example" } });
    expect(made).toMatchObject({ status: 201, body: { trustDomain: "made.example" }, replayed: false });
    expect(made.location).toBe(`/v1/invitations/${made.body.invitationId}`);
    const shop = await meshNamed("shop");
    const read = await readMesh(shop, { path: { meshId: "shop" } });
    expect(read).toMatchObject({ status: 200, body: { meshId: "shop" }, location: undefined });
    expect(read.etag).toMatch(/^"[\w-]+"$/);
  });

  it("without a credential where it needs none, and reads text where it is text", async () => {
    const { body } = await livez({ transport: operator.transport }, {});
    expect(body).toEqual({ status: "ok" });
    expect((await metrics(operator, {})).body).toContain("# HELP");
  });

  it("and with a query: names and values are encoded", () => {
    const asked = { query: { type: "a&b=c", limit: 3 } };
    expect(requestOf(listAuditEvents, asked)).toEqual({
      method: "GET",
      path: "/v1/audit-events?type=a%26b%3Dc&limit=3",
      headers: {},
    });
  });

  it("whatever a path's parameter holds, it stays one segment", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (meshId) => {
        const { path } = requestOf(readMesh, { path: { meshId } });
        expect(path.split("/").length).toBe(4);
        expect(path).not.toMatch(/[?#]/);
        expect(decodeURIComponent(path.slice("/v1/meshes/".length))).toBe(meshId);
      }),
    );
  });
});

describe("what a change and a read are asked with", () => {
  it("ifMatch: a stale one is 412, none at all 428 (L20)", async () => {
    const admin = await meshNamed("matched");
    const path = { meshId: "matched" };
    const { etag = "" } = await readMesh(admin, { path });
    const changed = await changeMesh(admin, { path, body: { displayName: "One" } }, { ifMatch: etag });
    expect(changed.etag).not.toBe(etag);
    const stale = await problemOf(changeMesh(admin, { path, body: { displayName: "Two" } }, { ifMatch: etag }));
    expect([stale.code, stale.status]).toEqual(["precondition-failed", 412]);
    const absent = await problemOf(changeMesh(admin, { path, body: { displayName: "Two" } }));
    expect([absent.code, absent.status]).toEqual(["precondition-required", 428]);
  });

  it("ifNoneMatch: 304 and no body while it holds", async () => {
    const { etag = "", body } = await listMeshes(operator, {});
    const same = await listMeshes(operator, {}, { ifNoneMatch: etag });
    expect([same.status, same.body]).toEqual([304, undefined]);
    const other = await listMeshes(operator, {}, { ifNoneMatch: '"other"' });
    expect([other.status, other.body]).toEqual([200, body]);
  });

  it("idempotencyKey: the second answer is the first one's, and says so (L19)", async () => {
    const input = { body: { trustDomains: ["a.example", "b.example"], reason: "one HSM" } };
    const first = await allowSharedKey(operator, input, { idempotencyKey: "once" });
    const second = await allowSharedKey(operator, input, { idempotencyKey: "once" });
    expect([first.replayed, second.replayed]).toEqual([false, true]);
    expect(second.body).toEqual(first.body);
  });

  it("dryRun: says what would happen and changes nothing", async () => {
    const admin = await meshNamed("kept");
    const path = { meshId: "kept" };
    const { body } = await deleteMesh(admin, { path }, { ifMatch: "*", dryRun: true });
    expect(body.dryRun).toBe(true);
    expect((await readMesh(admin, { path })).status).toBe(200);
  });
});

describe("what does not go well is thrown", () => {
  it("a refusal as its problem document, with a code of the catalogue", async () => {
    const stranger = await meshNamed("stranger");
    const found = await problemOf(readMesh(stranger, { path: { meshId: "shop" } }));
    expect([found.code, found.status, found.retryAfter]).toEqual(["not-found", 404, undefined]);
    expect(found.problem).toMatchObject({ type: "urn:entente:error:not-found", title: "Not found" });
    expect(found.message).toContain("not-found");
    const wrong = { name: "x", role: "auditor", expiresInSeconds: 0 } as const;
    const refused = await problemOf(createToken(operator, { body: wrong }));
    expect([refused.code, refused.problem.pointer]).toEqual(["invalid-request", "/expiresInSeconds"]);
  });

  const answering = (answer: Partial<HttpAnswer>): Client => ({
    transport: async () => ({ status: 200, headers: {}, text: "", ...answer }),
  });

  it("with how long to wait, where the answer says it", async () => {
    const text = JSON.stringify({ code: "too-many-requests", detail: "slowly", status: 429 });
    const headers = { "content-type": "application/problem+json; charset=utf-8", "retry-after": "7" };
    const found = await problemOf(listMeshes(answering({ status: 429, headers, text }), {}));
    expect([found.code, found.retryAfter]).toEqual(["too-many-requests", 7]);
  });

  it.each([
    ["a page of some proxy", { status: 502, headers: { "content-type": "text/html" }, text: "<h1>Bad gateway</h1>" }],
    ["a redirect", { status: 302, headers: { location: "https://elsewhere.example/" } }],
  ])("%s as an answer that is not in the contract", async (_name, answer) => {
    await expect(listMeshes(answering(answer), {})).rejects.toBeInstanceOf(UnexpectedAnswer);
  });

  it("and a broker of another CA is not asked", async () => {
    const other = await runBroker();
    const { addresses } = broker;
    const transport = nodeTransport({ url: addresses.admin, ca: other.adminCa });
    await other.remove();
    await expect(livez({ transport }, {})).rejects.toThrow(/certificate/);
  });
});

describe("a list is read to its end", () => {
  it("page after page, each item once, in the order of the list", async () => {
    for (const meshId of ["page-1", "page-2", "page-3", "page-4", "page-5"]) await meshNamed(meshId);
    const { body } = await listMeshes(operator, { query: { limit: 1_000 } });
    const found: string[] = [];
    for await (const mesh of itemsOf(operator, listMeshes, { query: { limit: 2 } })) found.push(mesh.meshId);
    expect(found.length).toBeGreaterThan(5);
    expect(found).toEqual(body.meshes.map(({ meshId }) => meshId));
  });
});
