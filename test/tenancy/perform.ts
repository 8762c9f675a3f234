import { createHash } from "node:crypto";
import { eventually } from "../api/api-fixture.ts";
import type { ApiAnswer, TestBroker } from "../support/running-broker.ts";
import type { TestCa } from "../support/test-ca.ts";
import { type Act, type Actor, BODIES, pick } from "./acts.ts";
import { operationOf } from "./operations.ts";
import type { Play, Tenant, TenantName } from "./play.ts";
import { ROWS } from "./rows.ts";

const PROJECTIONS = ["", "/istio", "/pem"];

/** C asks about everybody; A and B about themselves and each other; operators and auditors about A and B. */
export async function perform(world: Play, act: Act, cas: Record<TenantName, TestCa[]>): Promise<void> {
  const { tenants } = world;
  const own = act.who === "c" ? tenants.c : tenants[act.who === "b" ? "b" : "a"];
  const others = [tenants.a, tenants.b].filter((one) => one !== own);
  const about = pick([own, own, own, ...others], act.about) as Tenant;
  const other = about === tenants.c ? world.peerOfC : about === tenants.a ? tenants.b : tenants.a;
  const token = tokenOf(world, act);
  const operation = operationOf(act);
  if (operation === undefined) return poll(world, act, own as Tenant);
  const [method = "", template = ""] = operation.split(" ");
  const actor = actorOf(about, cas);
  const path = template.replaceAll(
    /\{(\w+)\}/g,
    (_, name: string) => actor.values[name] ?? idOf(about, name, act.which),
  );
  const body = BODIES[operation]?.(actor, actorOf(other, cas), act.how) ?? ROWS[operation]?.body?.(actor);
  // Keys that everybody uses: each credential has its own (L19).
  const headers = method === "POST" && act.how % 5 === 0 ? { "idempotency-key": `key-${act.which % 3}` } : {};
  const query = method !== "GET" && act.how % 7 === 0 ? "?dryRun=true" : "";
  const request = () =>
    world.broker.api(method, path + query, { headers, ...(token ? { token } : {}), ...(body ? { body } : {}) });
  const answer = await (isTenant(act.who) ? world.ask(act.who, `${method} ${path}${query}`, request) : request());
  if (method !== "GET" && answer.status < 300 && query === "") learn(about, answer.body);
}

const isTenant = (who: Act["who"]): who is "a" | "b" => who === "a" || who === "b";

function tokenOf({ broker, tenants, auditor }: Play, { who, viewer, which }: Act): string | undefined {
  if (who === "operator") return broker.operatorToken;
  if (who === "auditor") return auditor;
  // C also tries without a credential.
  if (who === "c" && which % 10 === 0) return undefined;
  return viewer ? tenants[who]?.viewer : tenants[who]?.admin;
}

const actorOf = ({ meshId, trustDomain }: Tenant, cas: Record<TenantName, TestCa[]>): Actor => {
  const all = cas[meshId as TenantName] ?? [];
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
export function learn(about: Tenant, body: Record<string, unknown>): void {
  if (typeof body.pollerId === "string" && typeof body.token === "string")
    about.pollers.push({ pollerId: body.pollerId, token: body.token });
  // Not of federations: see `federate`.
  const bodies = [body, body.authorities ?? [], body.pollers ?? []].flat() as Record<string, unknown>[];
  for (const [name, value] of bodies.flatMap((one) => Object.entries(one ?? {}))) {
    if (!/Id$/.test(name) || name === "meshId" || typeof value !== "string") continue;
    const known = about.known.get(name) ?? [];
    if (!known.includes(value)) about.known.set(name, [...known, value]);
  }
}

export async function poll(world: Play, { who, which, how, about }: Act, own: Tenant): Promise<void> {
  const { pollerId, token } = pick(own.pollers, which);
  const trustDomain = `${pick(["a", "b", "c"], about)}.example`;
  const path = `/p/${token}/${trustDomain}${pick(PROJECTIONS, how)}`;
  const before = Date.now();
  const request = () => pollAt(world.broker, path);
  const { status } = await (isTenant(who) ? world.ask(who, `poll ${trustDomain}`, request) : request());
  if (status !== 200) return;
  // The delivery is in the ledger before anything else happens.
  const { broker } = world;
  const ledger = () => broker.api("GET", `/v1/meshes/${own.meshId}/deliveries`, { token: broker.operatorToken });
  const isRow = (row: { pollerId: string; trustDomain: string; at: string }) =>
    row.pollerId === pollerId && row.trustDomain === trustDomain && Date.parse(row.at) >= before;
  await eventually(ledger, ({ status: found, body }) => found !== 200 || body.deliveries.some(isRow));
}

export async function pollAt(broker: TestBroker, path: string): Promise<ApiAnswer> {
  const { status, headers, body: text } = await broker.pollWeb(path);
  return { status, headers, text, body: text.startsWith("{") ? JSON.parse(text) : undefined };
}
