import { createHash } from "node:crypto";
import { bareMesh, UNLIMITED } from "../api/api-fixture.ts";
import { type ApiAnswer, expectStatus, runBroker, type TestBroker } from "../support/running-broker.ts";
import type { TestCa } from "../support/test-ca.ts";
import type { Act, Scenario } from "./acts.ts";
import { learn, perform, poll } from "./perform.ts";
import { renaming } from "./seen.ts";
import { sweep } from "./sweep.ts";

export type TenantName = "a" | "b" | "c";

/** What one of the tenants asked and was answered, in words that are the same in every world. */
export interface Seen {
  readonly who: TenantName;
  readonly asked: string;
  readonly answer: unknown;
}

export interface Tenant {
  readonly meshId: string;
  readonly trustDomain: string;
  readonly admin: string;
  readonly viewer: string;
  /** IDs that answers to changes about it brought, by the name of their parameter. */
  readonly known: Map<string, string[]>;
  readonly pollers: { readonly pollerId: string; readonly token: string }[];
}

export interface Play {
  readonly broker: TestBroker;
  readonly tenants: Readonly<Record<"a" | "b", Tenant>> & { readonly c?: Tenant };
  readonly auditor: string;
  /** Whom C proposes to: a proposal is seen by the other side (S21). */
  readonly peerOfC: Tenant;
  /** Asks with random bytes of its own, so that what was asked elsewhere before does not show. */
  ask(who: TenantName, asked: string, request: () => Promise<ApiAnswer>): Promise<ApiAnswer>;
}

/** Whether there is a third tenant, whether it is listed, and which mesh federates with it. */
export type Third = "absent" | "unrelated" | "listed" | "peer of a" | "listed peer of the owner";

export interface Stage {
  readonly third: Third;
  /** A is a member of a trust domain that a fourth mesh owns. */
  readonly isOwned?: boolean;
  /** A has proposed a federation to C, which has not answered. */
  readonly isAsked?: boolean;
  /** C is suspended. */
  readonly isSuspended?: boolean;
}

/**
 * Lives through the acts in a world of its own. Each act draws its random bytes from a stream of its own, so that what A and B
 * do is the same in every world: IDs and secrets are equal without renaming.
 */
export async function play(
  { acts, endings }: Scenario,
  { third, isOwned = false, isAsked = false, isSuspended = false }: Stage,
  cas: Record<TenantName, TestCa[]>,
): Promise<Seen[]> {
  let stream = "start";
  let drawn = 0;
  const random = (bytes: number): Uint8Array => {
    const seed = createHash("shake256", { outputLength: bytes });
    return seed.update(`${stream} ${drawn++}`).digest();
  };
  const broker = await runBroker({ ...UNLIMITED, ENTENTE_BREAK_GLASS: "true" }, undefined, random);
  const startedAt = Date.now();
  let scene = stream;
  const enter = (name: string) => {
    [scene, stream, drawn] = [name, name, 0];
  };
  try {
    const rename = { a: renaming(startedAt), b: renaming(startedAt), c: renaming(startedAt) };
    const seen: Seen[] = [];
    const ask: Play["ask"] = async (who, asked, request) => {
      // Pages of the directory there are more of where a mesh more is listed: they draw apart from all else.
      const before = isOfDirectory(asked) ? asked : butDirectory(of(seen, [who])).length;
      [stream, drawn] = [`${scene}: ${who} ${before}`, 0];
      const answer = await request();
      seen.push({ who, asked, answer: rename[who](answer) });
      return answer;
    };
    enter("owner");
    const owner = isOwned ? await tenant(broker, "owner", "a.example") : undefined;
    enter("a");
    const a = await tenant(broker, "a", "a.example");
    if (owner) await admit(broker, owner, a);
    enter("b");
    const b = await tenant(broker, "b", "b.example");
    enter("auditor");
    const auditor = await made(broker, broker.operatorToken, "/v1/tokens", { name: "auditor", role: "auditor" });
    enter("c");
    const described = { listed: third.startsWith("listed") };
    const c = third === "absent" ? {} : { c: await tenant(broker, "c", "c.example", described) };
    const nobody: Tenant = { ...a, meshId: "nobody", trustDomain: "nobody.example", known: new Map(), pollers: [] };
    const peersOfC: Partial<Record<Third, Tenant | undefined>> = { "peer of a": a, "listed peer of the owner": owner };
    const peerOfC = peersOfC[third] ?? nobody;
    const world: Play = { broker, tenants: { a, b, ...c }, auditor: auditor.token, peerOfC, ask };
    if (peerOfC !== nobody) await federate(world, c.c as Tenant, peerOfC);
    enter("opening");
    await federate(world, a, b);
    for (const one of [a, b]) await open(world, one, cas);
    if (peerOfC !== nobody || isAsked) await open(world, c.c as Tenant, { ...cas, c: cas.c.slice(0, 1) });
    enter("proposal to c");
    if (isAsked) learn(a, await made(broker, a.admin, "/v1/federations", { proposer: "a", peer: "c" }));
    if (isSuspended) await made(broker, broker.operatorToken, "/v1/meshes/c/suspension", { reason: "a try" });
    const performAll = async (all: readonly Act[], name: string) => {
      for (const [index, act] of all.entries()) {
        if (act.who === "c" && third === "absent") continue;
        enter(`${name} ${index}`);
        await perform(world, act, cas);
      }
    };
    await performAll(acts, "act");
    for (const who of ["a", "b"] as const) {
      enter(`sweep of ${who}`);
      await sweep(world, who);
    }
    await performAll(endings, "ending");
    return seen;
  } finally {
    await broker.remove();
  }
}

const made = async (broker: TestBroker, token: string, path: string, body: object) =>
  (await expectStatus(201, broker.api("POST", path, { token, body }))).body;

async function tenant(
  broker: TestBroker,
  meshId: string,
  trustDomain: string,
  described: Record<string, unknown> = {},
): Promise<Tenant> {
  const { token } = await bareMesh(broker, meshId, trustDomain, described);
  const viewer = await made(broker, token, "/v1/tokens", { name: "viewer", role: "mesh-viewer", meshes: [meshId] });
  const poller = await made(broker, token, `/v1/meshes/${meshId}/pollers`, { name: "control plane" });
  return { meshId, trustDomain, admin: token, viewer: viewer.token, known: new Map(), pollers: [poller] };
}

async function admit(broker: TestBroker, owner: Tenant, { meshId, trustDomain }: Tenant): Promise<void> {
  const path = `/v1/trust-domains/${trustDomain}/memberships`;
  await expectStatus(200, broker.api("POST", path, { token: owner.admin, body: { meshId, decision: "grant" } }));
}

async function federate({ broker, tenants }: Play, proposer: Tenant, peer: Tenant): Promise<void> {
  const asked = { proposer: proposer.meshId, peer: peer.meshId };
  const proposed = await made(broker, proposer.admin, "/v1/federations", asked);
  const { federationId } = proposed;
  const body = { meshId: peer.meshId, decision: "grant" };
  const path = `/v1/federations/${federationId}/consents`;
  await expectStatus(200, broker.api("POST", path, { token: peer.admin, body }));
  // A must not come to act on one with C, which is there in one world alone.
  for (const one of proposer === tenants.c ? [proposer] : [proposer, peer]) learn(one, { federationId });
}

/** A CA that is published, one that is prepared, and a poll of the other's bundle. */
async function open(world: Play, tenant: Tenant, cas: Record<TenantName, TestCa[]>): Promise<void> {
  const { meshId, admin } = tenant;
  for (const { certificatePem } of cas[meshId as TenantName].slice(0, 2))
    learn(tenant, await made(world.broker, admin, `/v1/meshes/${meshId}/authorities`, { pem: certificatePem }));
  await poll(world, { who: meshId as TenantName, viewer: false, what: 0, which: 0, how: 0, about: 0 }, tenant);
  await poll(world, { who: meshId as TenantName, viewer: false, what: 0, which: 0, how: 0, about: 1 }, tenant);
}

/** What these tenants saw, in order. */
export const of = (seen: readonly Seen[], who: readonly TenantName[]): Seen[] =>
  seen.filter((one) => who.includes(one.who));

const isOfDirectory = (asked: string): boolean => /^GET \/v1\/directory\b/.test(asked);

/** The directory names a listed mesh to everybody: that is what it is for. */
export const butDirectory = (seen: readonly Seen[]): Seen[] => seen.filter(({ asked }) => !isOfDirectory(asked));
