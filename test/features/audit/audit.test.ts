import { describe, expect, test } from "vitest";
import type { Scope } from "../../../src/features/access/role.ts";
import type { StoredEvent } from "../../../src/features/audit/audit.store.ts";
import { asSeenBy } from "../../../src/features/audit/audit.ts";
import { parseMeshId } from "../../../src/features/meshes/mesh-id.ts";
import type { EventDetail } from "../../../src/store/event.ts";

const scopeOfMesh = (meshId: string): Scope => ({ all: false, meshes: [parseMeshId(meshId)] });
const auditor: Scope = { all: true };

const detail: EventDetail = {
  eventId: "evt_1",
  actor: { kind: "token", id: "tok_secretive" },
  actingMesh: "bank",
  source: "192.0.2.7",
  requestId: "req_1",
  outcome: "done",
  beforeDigest: "be",
  afterDigest: "af",
  fields: { reason: "between us", termsDigest: "td" },
  salt: "c2FsdA",
};
const event: StoredEvent = {
  position: 7,
  type: "federation.granted",
  at: Date.UTC(2027, 0, 1),
  subjects: [
    "federation/fed_1",
    "mesh/bank",
    "mesh/landlord",
    "mesh/shop",
    "poller/pol_1",
    "token/tok_1",
    "trust-domain/bank.example",
  ],
  leaf: "{}",
  detail,
};

describe("of an event, its own mesh and whoever reads all sees everything", () => {
  test.each([
    ["the acting mesh", scopeOfMesh("bank")],
    ["an operator or auditor", auditor],
  ])("%s", (_, scope) => {
    expect(asSeenBy(scope, event)).toEqual({
      position: 7,
      eventId: "evt_1",
      type: "federation.granted",
      at: "2027-01-01T00:00:00.000Z",
      meshId: "bank",
      actor: detail.actor,
      source: "192.0.2.7",
      subjects: event.subjects,
      outcome: "done",
      requestId: "req_1",
      detail: { reason: "between us", termsDigest: "td", beforeDigest: "be", afterDigest: "af", salt: "c2FsdA" },
    });
  });
});

test("S21: of a token that speaks for others too its people see no digest, which they could hold against guesses of whose", () => {
  const made: StoredEvent = {
    ...event,
    type: "token.created",
    subjects: ["mesh/bank", "mesh/shop", "token/tok_1"],
    detail: { ...detail, actingMesh: null, fields: { name: "shared" } },
  };
  const digests = (scope: Scope) => {
    const { subjects, detail: shown } = asSeenBy(scope, made);
    return [subjects, shown?.beforeDigest, shown?.afterDigest];
  };
  expect(digests(scopeOfMesh("shop"))).toEqual([["mesh/shop", "token/tok_1"], null, null]);
  const both: Scope = { all: false, meshes: [parseMeshId("bank"), parseMeshId("shop")] };
  for (const scope of [both, auditor]) expect(digests(scope)).toEqual([made.subjects, "be", "af"]);
});

describe("of the other side's act, a mesh sees mesh ID, type, time and outcome (S21)", () => {
  const seen = asSeenBy(scopeOfMesh("shop"), event);

  test("no token, source, request, reason or digest", () => {
    expect(seen).toMatchObject({ meshId: "bank", type: "federation.granted", outcome: "done", position: 7 });
    expect(seen).toMatchObject({ actor: null, source: null, requestId: null, detail: null });
    for (const hidden of ["tok_secretive", "192.0.2.7", "req_1", "between us", "c2FsdA"])
      expect(JSON.stringify(seen)).not.toContain(hidden);
  });

  test("no third mesh and none of its pollers or tokens among the subjects", () => {
    expect(seen.subjects).toEqual(["federation/fed_1", "mesh/bank", "mesh/shop", "trust-domain/bank.example"]);
  });

  test("that it was refused, too", () => {
    const refused = { ...event, detail: { ...detail, outcome: "refused" as const } };
    expect(asSeenBy(scopeOfMesh("shop"), refused).outcome).toBe("refused");
  });
});

describe("of what an operator does to a mesh (S21)", () => {
  const done = (type: StoredEvent["type"], fields: object, subjects: StoredEvent["subjects"] = event.subjects) => ({
    ...event,
    type,
    subjects,
    detail: { ...detail, actingMesh: null, fields: { ...fields } },
  });
  const hidden = { actor: null, source: null, requestId: null, detail: null, meshId: null };
  const ofAccess = ["mesh/bank", "trust-domain/shop.example"] as const;
  const cases: readonly [string, StoredEvent][] = [
    ["its word in a federation", done("federation.granted", { meshId: "shop" })],
    ["what follows for its peer", done("bundle-access.withdrawn", { meshId: "shop" }, ofAccess)],
    ["what is about it", done("mesh.suspended", {}, ["mesh/shop"])],
  ];

  test.each(cases)("%s: its people see who but not from where, an auditor that too", (_, found) => {
    expect(asSeenBy(scopeOfMesh("shop"), found)).toMatchObject({
      actor: detail.actor,
      requestId: "req_1",
      source: null,
    });
    expect(asSeenBy(auditor, found)).toMatchObject({ actor: detail.actor, source: "192.0.2.7" });
  });

  test.each(cases)("%s: another mesh's people see type, time and outcome", (_, found) => {
    const seen = asSeenBy(scopeOfMesh("bank"), found);
    expect(seen).toMatchObject({ ...hidden, type: found.type, outcome: "done", position: 7 });
    expect(JSON.stringify(seen)).not.toContain("tok_secretive");
  });

  test("where nothing says to which, nobody's people see who", () => {
    const old = done("bundle-access.granted", { cause: "break-glass.consented" }, ofAccess);
    for (const meshId of ["bank", "shop"]) expect(asSeenBy(scopeOfMesh(meshId), old)).toMatchObject(hidden);
  });

  test("the clock's act hides nothing", () => {
    const byClock = {
      ...event,
      detail: { ...detail, actingMesh: null, actor: { kind: "broker", id: "clock" } },
    } as const;
    expect(asSeenBy(scopeOfMesh("shop"), byClock)).toMatchObject({ actor: { id: "clock" }, detail: detail.fields });
  });
});

describe("of an event whose detail was erased", () => {
  const erased = { ...event, detail: null };

  test("the leaf is left: type, time and subjects (S69)", () => {
    expect(asSeenBy(auditor, erased)).toMatchObject({
      position: 7,
      type: "federation.granted",
      at: "2027-01-01T00:00:00.000Z",
      subjects: event.subjects,
      actor: null,
      detail: null,
    });
  });

  test("a mesh sees itself and what is shared", () => {
    expect(asSeenBy(scopeOfMesh("shop"), erased).subjects).toEqual([
      "federation/fed_1",
      "mesh/shop",
      "trust-domain/bank.example",
    ]);
  });
});
