import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { type ApiAnswer, expectStatus, federate, registerMesh, type TestBroker } from "../support/running-broker.ts";
import type { Operation } from "./contract.ts";

const CHUNK = 10_000;

/** What an operation is called with: real things in its path, and a token that may call it. */
export interface Caller {
  /** The path with a value for each parameter, percent-encoded already. */
  path(parameters?: Readonly<Record<string, string>>): string;
  call(body: unknown, more?: Readonly<Record<string, string>>): Promise<ApiAnswer>;
  /** The bytes in chunks, without their number. */
  stream(raw: string): Promise<ApiAnswer>;
  /** The bytes as they are, as `application/json` unless `headers` say otherwise. */
  send(raw: string | Buffer, headers?: Readonly<Record<string, string>>, path?: string): Promise<ApiAnswer>;
}

export interface World {
  readonly broker: TestBroker;
  callerOf(operation: Operation): Promise<Caller>;
}

/** Two federated meshes; each operation is called by whoever of operator and mesh admin is let through to its body. */
export async function hostileWorld(broker: TestBroker): Promise<World> {
  const shop = await registerMesh(broker, "shop");
  const bank = await registerMesh(broker, "bank");
  const federationId = await federate(broker, shop, bank);
  const { pollerId, authorityId, meshId, trustDomain } = shop;
  const values: Readonly<Record<string, string>> = { meshId, trustDomain, pollerId, authorityId, federationId };
  const pathOf = ({ path }: Operation, parameters: Readonly<Record<string, string>> = {}) =>
    path.replaceAll(/\{(\w+)\}/g, (_, name: string) => parameters[name] ?? values[name] ?? "1");

  async function tokenFor(operation: Operation): Promise<string> {
    const tokens = [shop.token, broker.operatorToken];
    for (const token of tokens) {
      const path = `${pathOf(operation)}?no-such-parameter=1`;
      const { status } = await broker.api(operation.method, path, { token });
      if (status !== 401 && status !== 403) return token;
    }
    throw new Error(`nobody may ${operation.method} ${operation.path}`);
  }

  return {
    broker,
    async callerOf(operation) {
      const token = operation.open ? broker.operatorToken : await tokenFor(operation);
      const path = pathOf(operation);
      const send = (raw: string | Buffer, headers: Readonly<Record<string, string>> = {}, at = path) =>
        broker.api(operation.method, at, { token, raw, headers });
      /** Where a change must say what it changes, it does. */
      const ifMatch = async (): Promise<Record<string, string>> => {
        if (!["PUT", "PATCH", "DELETE"].includes(operation.method)) return {};
        const { headers } = await broker.api("GET", path, { token });
        return headers.etag === undefined ? {} : { "if-match": String(headers.etag) };
      };
      return {
        path: (parameters) => pathOf(operation, parameters),
        call: async (body, more = {}) => send(JSON.stringify(body), { ...(await ifMatch()), ...more }),
        send: async (raw, headers = {}, at = path) => send(raw, { ...(await ifMatch()), ...headers }, at),
        async stream(raw) {
          const headers = {
            authorization: `Bearer ${token}`,
            "content-type": "application/json",
            // Node sends none of itself with a DELETE.
            "transfer-encoding": "chunked",
            ...(await ifMatch()),
          };
          const url = new URL(path, broker.addresses.admin);
          const sent = request(url, { method: operation.method, ca: broker.adminCa, agent: false, headers });
          const answered = once(sent, "response");
          for (let at = 0; at < raw.length; at += CHUNK) sent.write(raw.slice(at, at + CHUNK));
          sent.end();
          const [response] = (await answered) as [IncomingMessage];
          const said = await text(response);
          return { status: response.statusCode ?? 0, headers: response.headers, text: said, body: JSON.parse(said) };
        },
      };
    },
  };
}

/** The mesh that the world's paths name is still there, and its peer is still served. */
export async function stillServes({ broker }: World): Promise<void> {
  await expectStatus(200, broker.api("GET", "/v1/meshes/shop", { token: broker.operatorToken }));
  if ((await broker.pollSpiffe("/bundle")).status !== 200) throw new Error("the bundle endpoint does not serve");
}
