import { createHash } from "node:crypto";
import { bareMesh, eventually, UNLIMITED } from "../api/api-fixture.ts";
import { type ApiAnswer, expectStatus, runBroker, type TestBroker } from "../support/running-broker.ts";
import type { TestCa } from "../support/test-ca.ts";
import { type Act, type Actor, BODIES, pick } from "./acts.ts";
import { ROWS } from "./rows.ts";
import { renaming, STEP_MS } from "./seen.ts";
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
  /** Asks with random bytes of its own, so that what was asked elsewhere before does not show. */
  ask(who: TenantName, asked: string, request: () => Promise<ApiAnswer>): Promise<ApiAnswer>;
}

const OPERATIONS = Object.keys(ROWS).filter((operation) => operation !== "GET /metrics");
const POLLS = Math.round(OPERATIONS.length / 5);
const PROJECTIONS = ["", "/istio", "/pem"];

/** Whether there is a third tenant, and whether A federates with it. */
export type Third = "absent" | "unrelated" | "peer of a";

/**
 * Lives through the acts in a world of its own. Each act draws its random bytes from a stream of its own and happens at a time
 * of its own, so that what A and B do is the same in every world: IDs and secrets are equal without renaming.
 */
export async function play(acts: readonly Act[], third: Third, cas: Record<TenantName, TestCa[]>): Promise<Seen[]> {
  let stream = "start";
  let drawn = 0;
  const random = (bytes: number): Uint8Array => {
    const seed = createHash("shake256", { outputLength: bytes });
    return seed.update(`${stream} ${drawn++}`).digest();
  };
  const broker = await runBroker({ ...UNLIMITED, ENTENTE_BREAK_GLASS: "true" }, undefined, random);
  const startedAt = Date.now();
  const enter = (name: string, step: number) => {
    [stream, drawn] = [name, 0];
    broker.moveClock(step * STEP_MS - (Date.now() - startedAt));
  };
  try {
    const rename = { a: renaming(startedAt), b: renaming(startedAt), c: renaming(startedAt) };
    const seen: Seen[] = [];
    const ask: Play["ask"] = async (who, asked, request) => {
      [stream, drawn] = [`${stream}: ${who} ${of(seen, [who]).length}`, 0];
      const answer = await request();
      seen.push({ who, asked, answer: rename[who](answer) });
      return answer;
    };
    enter("a", 1);
    const a = await tenant(broker, "a", {});
    enter("b", 2);
    const b = await tenant(broker, "b", {});
    enter("auditor", 3);
    const auditor = await made(broker, broker.operatorToken, "/v1/tokens", { name: "auditor", role: "auditor" });
    enter("c", 4);
    const c = third === "absent" ? {} : { c: await tenant(broker, "c", { listed: false }) };
    const world: Play = { broker, tenants: { a, b, ...c }, auditor: auditor.token, ask };
    if (third === "peer of a") await befriend(world);
    for (const [index, act] of acts.entries()) {
      if (act.who === "c" && third === "absent") continue;
      enter(`act ${index}`, 5 + index);
      await perform(world, act, cas);
    }
    for (const who of ["a", "b"] as const) {
      enter(`sweep of ${who}`, 6 + acts.length);
      await sweep(world, who);
    }
    return seen;
  } finally {
    await broker.remove();
  }
}

const made = async (broker: TestBroker, token: string, path: string, body: object) =>
  (await expectStatus(201, broker.api("POST", path, { token, body }))).body;

async function tenant(broker: TestBroker, meshId: string, described: Record<string, unknown>): Promise<Tenant> {
  const { token, trustDomain } = await bareMesh(broker, meshId, `${meshId}.example`, described);
  const viewer = await made(broker, token, "/v1/tokens", { name: "viewer", role: "mesh-viewer", meshes: [meshId] });
  const poller = await made(broker, token, `/v1/meshes/${meshId}/pollers`, { name: "control plane" });
  return { meshId, trustDomain, admin: token, viewer: viewer.token, known: new Map(), pollers: [poller] };
}

/** A agrees to a federation with C. */
async function befriend({ broker, tenants: { a, c } }: Play): Promise<void> {
  if (!c) return;
  const { federationId } = await made(broker, c.admin, "/v1/federations", { proposer: "c", peer: "a" });
  const body = { meshId: "a", decision: "grant" };
  await expectStatus(200, broker.api("POST", `/v1/federations/${federationId}/consents`, { token: a.admin, body }));
}

/** C asks about everybody; A and B about themselves and each other; operators and auditors about A and B. */
async function perform(world: Play, act: Act, cas: Record<TenantName, TestCa[]>): Promise<void> {
  const { tenants } = world;
  const own = act.who === "c" ? tenants.c : tenants[act.who === "b" ? "b" : "a"];
  const others = [tenants.a, tenants.b].filter((one) => one !== own);
  const about = pick([own, own, own, ...others], act.about) as Tenant;
  const other = pick(
    [tenants.a, tenants.b].filter((one) => one !== about),
    act.which,
  );
  const token = tokenOf(world, act);
  const what = act.what % (OPERATIONS.length + POLLS);
  if (what >= OPERATIONS.length) return poll(world, act, own as Tenant);
  const operation = OPERATIONS[what] as string;
  const [method = "", template = ""] = operation.split(" ");
  const actor = actorOf(about, cas);
  const path = template.replaceAll(
    /\{(\w+)\}/g,
    (_, name: string) => actor.values[name] ?? idOf(about, name, act.which),
  );
  const body = BODIES[operation]?.(actor, actorOf(other, cas), act.how) ?? ROWS[operation]?.body?.(actor);
  const query = method !== "GET" && act.how % 7 === 0 ? "?dryRun=true" : "";
  const request = () =>
    world.broker.api(method, path + query, { ...(token ? { token } : {}), ...(body ? { body } : {}) });
  const answer = await (isTenant(act.who) ? world.ask(act.who, `${method} ${path}${query}`, request) : request());
  if (method !== "GET" && answer.status < 300 && query === "") learn(about, answer.body);
}

const isTenant = (who: Act["who"]): who is "a" | "b" => who === "a" || who === "b";

/** What these tenants saw, in order. */
export const of = (seen: readonly Seen[], who: readonly TenantName[]): Seen[] =>
  seen.filter((one) => who.includes(one.who));

function tokenOf({ broker, tenants, auditor }: Play, { who, viewer, which }: Act): string | undefined {
  if (who === "operator") return broker.operatorToken;
  if (who === "auditor") return auditor;
  // C also tries without a credential.
  if (who === "c" && which % 10 === 0) return undefined;
  return viewer ? tenants[who]?.viewer : tenants[who]?.admin;
}

const actorOf = ({ meshId, trustDomain }: Tenant, cas: Record<TenantName, TestCa[]>): Actor => {
  const all = cas[meshId as TenantName];
  return {
    meshId,
    trustDomain,
    member: `${meshId}-guest-0`,
    values: { meshId, trustDomain },
    served: [],
    sides: [],
    seen: { trustDomain, fingerprint: "0".repeat(64) },
    cas: all.map(({ certificatePem }) => certificatePem),
    fingerprints: all.map(({ certificatePem }) => fingerprintOf(certificatePem)),
  };
};

const fingerprintOf = (pem: string): string =>
  createHash("sha256")
    .update(Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64"))
    .digest("hex");

const idOf = ({ known }: Tenant, name: string, which: number): string => pick(known.get(name) ?? ["absent"], which);

/** The IDs of an answer, its lists included, are what later acts are about. */
function learn(about: Tenant, body: Record<string, unknown>): void {
  if (typeof body.pollerId === "string" && typeof body.token === "string")
    about.pollers.push({ pollerId: body.pollerId, token: body.token });
  const bodies = [body, ...Object.values(body).filter(Array.isArray).flat()] as Record<string, unknown>[];
  for (const [name, value] of bodies.flatMap((one) => Object.entries(one ?? {}))) {
    if (!/Id$/.test(name) || name === "meshId" || typeof value !== "string") continue;
    const known = about.known.get(name) ?? [];
    if (!known.includes(value)) about.known.set(name, [...known, value]);
  }
}

async function poll(world: Play, { who, which, how, about }: Act, own: Tenant): Promise<void> {
  const { pollerId, token } = pick(own.pollers, which);
  const trustDomain = `${pick(["a", "b", "c"], about)}.example`;
  const path = `/p/${token}/${trustDomain}${pick(PROJECTIONS, how)}`;
  const request = () => pollOnce(world.broker, own, pollerId, path, trustDomain);
  await (isTenant(who) ? world.ask(who, `poll ${trustDomain}`, request) : request());
}

/** A poll, of which the delivery is in the ledger before anything else happens. */
export async function pollOnce(
  broker: TestBroker,
  { meshId }: Tenant,
  pollerId: string,
  path: string,
  trustDomain: string,
): Promise<ApiAnswer> {
  const { status, headers, body: text } = await broker.pollWeb(path);
  if (status === 200) {
    const ledger = () => broker.api("GET", `/v1/meshes/${meshId}/deliveries`, { token: broker.operatorToken });
    type Row = { pollerId: string; trustDomain: string };
    const isRow = (row: Row) => row.pollerId === pollerId && row.trustDomain === trustDomain;
    await eventually(ledger, ({ status: found, body }) => found !== 200 || body.asConsumer.some(isRow));
  }
  const body = text.startsWith("{") ? JSON.parse(text) : undefined;
  return { status, headers, text, body };
}
