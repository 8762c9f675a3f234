import { afterAll, describe, expect, it } from "vitest";
import { bytesButRequestId, UNLIMITED } from "../api/api-fixture.ts";
import { nameOf, operations } from "../hostile/contract.ts";
import { type ApiAnswer, runBroker } from "../support/running-broker.ts";
import { ROWS } from "./rows.ts";
import { MALFORMED, type Target, tenants } from "./targets.ts";

const broker = await runBroker({ ...UNLIMITED, ENTENTE_BREAK_GLASS: "true" });
afterAll(() => broker.remove());
const { targets, meshes } = await tenants(broker);
const { own, foreign, absent } = targets;

/** What names a thing of `shop`, or a mesh that `shop` may propose to, and what stands in its place elsewhere. */
const NAMES = new Map<string, readonly string[]>(
  Object.entries(own.values).map(([name, value]) => [value, othersOf((target) => target.values[name] ?? "")]),
);
NAMES.set(
  own.member,
  othersOf(({ member }) => member),
);
NAMES.set(
  "quay",
  othersOf(({ meshId }) => meshId),
);
NAMES.set(
  own.seen.trustDomain,
  othersOf(({ seen }) => seen.trustDomain),
);
NAMES.set(
  own.seen.fingerprint,
  othersOf(({ seen }) => seen.fingerprint),
);

/** Of a stranger's, of nobody's, and no name at all; a fingerprint's form is the schema's matter. */
function othersOf(of: (target: Target) => string): readonly string[] {
  const names = [of(foreign), of(absent)];
  return /^[0-9a-f]{64}$/.test(names[0] ?? "") ? names : [...names, MALFORMED];
}

/** The body with another value at each place in turn where it names something. */
function* renamed(body: unknown): Generator<{ place: string; bodies: readonly unknown[] }> {
  const walk = function* (value: unknown, put: (other: unknown) => unknown, place: string): ReturnType<typeof renamed> {
    if (typeof value === "string" && NAMES.has(value)) {
      yield { place, bodies: (NAMES.get(value) ?? []).map(put) };
    } else if (Array.isArray(value)) {
      for (const [index, one] of value.entries())
        yield* walk(one, (other) => put(value.with(index, other)), `${place}/${index}`);
    } else if (typeof value === "object" && value !== null) {
      for (const [name, one] of Object.entries(value))
        yield* walk(one, (other) => put({ ...value, [name]: other }), `${place}/${name}`);
    }
  };
  yield* walk(body, (other) => other, "");
}

/** Beside what a row sends: members that name something and may be absent. */
const MORE: Readonly<Record<string, Record<string, unknown>>> = {
  "POST /v1/federations": { trust: [{ consumer: own.meshId, provider: "quay" }] },
  "POST /v1/federations/{federationId}/terms": { trust: [{ consumer: own.meshId, provider: "bank" }] },
  "PUT /v1/meshes/{meshId}/document": { federations: [{ peer: "quay" }] },
};

const token = { mesh: meshes.shop.token, broker: broker.operatorToken };

describe.each(operations.filter((one) => ROWS[nameOf(one)]).map((one) => [nameOf(one), one] as const))(
  "S16: %s",
  (name, { method, path, parameters }) => {
    const row = ROWS[name];
    const asked = { token: row?.by.includes("mesh-admin") ? token.mesh : token.broker };
    const body = row?.body && { ...row.body(own), ...MORE[name] };
    const ask = (values: Readonly<Record<string, string>>, query: string, sent: unknown = body) =>
      broker.api(method, path.replaceAll(/\{(\w+)\}/g, (_, id: string) => values[id] ?? "") + query, {
        ...asked,
        ...(sent === undefined ? {} : { body: sent }),
      });
    const dry = method === "GET" ? "" : "?dryRun=true";
    const same = (answers: readonly ApiAnswer[]) =>
      expect([...new Set(answers.map(bytesButRequestId))]).toHaveLength(1);

    it.each(parameters.filter((one) => one.in === "path").map((one) => one.name))(
      "another's %s, nobody's and none at all are one 404",
      async (id) => {
        const values = othersOf((target) => target.values[id] ?? "");
        const broken = asked.token === token.mesh ? values : values.slice(1);
        const answers: ApiAnswer[] = [];
        for (const value of broken) answers.push(await ask({ ...own.values, [id]: value }, dry));
        if (id === "invitationId" || id === "allowanceId") answers.shift();
        for (const { status, body: found } of answers) expect([status, found.code]).toEqual([404, "not-found"]);
        same(answers);
      },
    );

    it("so is what its body names: one answer to all", async () => {
      for (const { place, bodies } of renamed(body)) {
        const answers: ApiAnswer[] = [];
        for (const sent of bodies.slice(asked.token === token.mesh ? 0 : 1))
          answers.push(await ask(own.values, dry, sent));
        for (const { status, text } of answers) expect(status, `${place}: ${text}`).toBeGreaterThanOrEqual(400);
        same(answers);
      }
    });

    it("and what its query names: nothing is found", async () => {
      for (const { name: id } of parameters.filter((one) => one.in === "query" && /Id$|trustDomain/.test(one.name))) {
        const answers: ApiAnswer[] = [];
        for (const value of othersOf((target) => target.values[id] ?? ""))
          answers.push(await ask(own.values, `?${id}=${value}`));
        same(answers);
      }
    });
  },
);
