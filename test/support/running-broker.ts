import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { nodeTransport } from "../../src/client/node-transport.ts";
import type { Client } from "../../src/client/operation.ts";
import {
  createPoller,
  giveConsent,
  invite,
  proposeFederation,
  registerMesh as register,
  registerAuthorities,
} from "../../src/client/operations.ts";
import type { NewFederation, NewMesh } from "../../src/client/schemas.ts";
import { loadConfig } from "../../src/config.ts";
import { type Randomness, systemRandomness } from "../../src/randomness.ts";
import { type RunningBroker, startBroker } from "../../src/server/start-broker.ts";
import type { Surroundings } from "../../src/server/surroundings.ts";
import { type Answer, pollAsIstiod, pollAsSpire } from "./poll.ts";
import { databaseOf } from "./postgres-server.ts";
import { type TestCa, type TestCaOptions, testCa } from "./test-ca.ts";

/** A JSON answer of the admin API. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely; what they find is what they assert.
  readonly body: any;
  readonly text: string;
}

export interface ApiCall {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Leaves out the If-Match that is otherwise sent with what asks for one. */
  readonly unguarded?: true;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Buffer;
}

/** A whole broker in this process on loopback: real TLS, a real database, a thread for the bundle endpoint. */
export interface TestBroker extends RunningBroker {
  readonly dataFolder: string;
  readonly operatorToken: string;
  readonly adminCa: string;
  /** Every line that the broker logged so far. */
  readonly log: () => string;
  /** By hand, for what the contract does not allow; what it does is asked with `as`. */
  api(method: string, path: string, call?: ApiCall): Promise<ApiAnswer>;
  /** The contract's client, with this credential. */
  as(token: string): Client;
  /** Moves the broker's clock, in both threads, to `ms` from the real time. */
  moveClock(ms: number): void;
  /** GET as istiod does it; the path begins with a slash. */
  pollWeb(path: string, options?: { method?: string; headers?: Record<string, string> }): Promise<Answer>;
  /** GET as SPIRE does it. */
  pollSpiffe(path: string, options?: { method?: string; headers?: Record<string, string> }): Promise<Answer>;
  /** Ends the broker and starts another on the same data. */
  restart(env?: Record<string, string>): Promise<TestBroker>;
  /** Ends the broker and removes its data. */
  remove(): Promise<void>;
}

const QUIET = {
  ENTENTE_ADMIN_ADDRESS: "127.0.0.1:0",
  ENTENTE_BUNDLE_ADDRESS: "127.0.0.1:0",
  ENTENTE_TRUST_DOMAIN: "broker.example",
  ENTENTE_SHUTDOWN_DELAY_SECONDS: "0",
  ENTENTE_DELIVERY_BATCH_MS: "20",
  // The broker shares its thread with the tests, and the machine with other tests.
  ENTENTE_LIMITS_CHANGE_WAIT_MS: "60000",
  ENTENTE_LIMITS_LOOP_DELAY_MS: "600000",
};

/**
 * @param env settings by their environment variables, beside free ports on loopback
 * @param time what passes otherwise than the system's, and when the start is told to stop; a restart keeps it
 */
export async function runBroker(
  env: Record<string, string> = {},
  data?: string,
  random: Randomness = systemRandomness,
  time: Pick<Surroundings, "timers" | "monotonic" | "clockOffset" | "stop"> = {},
): Promise<TestBroker> {
  const dataFolder = data ?? mkdtempSync(join(tmpdir(), "entente-test-"));
  const { clockOffset = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT) } = time;
  const lines: string[] = [];
  const logger = pino({ level: "trace", base: null }, { write: (line: string) => void lines.push(line) });
  const database = await databaseOf(dataFolder);
  const config = loadConfig({ ...QUIET, ...database, ...env, ENTENTE_DATA: dataFolder }, (path) =>
    readFileSync(path, "utf8"),
  );
  const broker = await startBroker(config, {
    logger,
    random,
    ...time,
    clockOffset,
    onFatal: (error) => {
      throw error;
    },
  });
  const adminCa = readFileSync(join(dataFolder, "admin-ca.pem"), "utf8");
  const tokenFile = join(dataFolder, "operator-token");
  const agent = new Agent({ ca: adminCa, keepAlive: true });
  const transport = nodeTransport({ url: broker.addresses.admin, ca: adminCa, agent });
  const portOf = (url: string) => Number(new URL(url).port);
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    agent.destroy();
    await broker.close();
  };
  return {
    addresses: broker.addresses,
    close,
    dataFolder,
    adminCa,
    // Of several servers on one database, the one that started first has it.
    operatorToken: existsSync(tokenFile) ? readFileSync(tokenFile, "utf8").trim() : "",
    log: () => lines.join(""),
    api: (method, path, call = {}) => exchange(new URL(path, broker.addresses.admin), method, agent, call),
    as: (token) => ({ transport, token }),
    moveClock(ms) {
      new Float64Array(clockOffset)[0] = ms;
    },
    pollWeb: (path, options) => pollAsIstiod(portOf(broker.addresses.bundleWeb), path, { ca: adminCa }, options),
    pollSpiffe: (path, options) =>
      pollAsSpire(
        portOf(broker.addresses.bundleSpiffe),
        path,
        { ca: adminCa, spiffeId: `spiffe://${config.trustDomain}/bundle-endpoint` },
        options,
      ),
    async restart(more = {}) {
      await close();
      return runBroker({ ...env, ...more }, dataFolder, systemRandomness, time);
    },
    async remove() {
      await close();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

const GUARDED: ReadonlySet<string> = new Set(["PATCH", "PUT", "DELETE"]);

export function exchange(url: URL, method: string, agent: Agent, call: ApiCall): Promise<ApiAnswer> {
  const payload = call.raw ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
  const headers = {
    ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }),
    // Tests that are not about preconditions change whatever is there (L20).
    ...(GUARDED.has(method) && !call.unguarded ? { "if-match": "*" } : {}),
    ...(payload === undefined
      ? {}
      : { "content-type": "application/json", "content-length": String(Buffer.byteLength(payload)) }),
    ...call.headers,
  };
  return new Promise((resolve, reject) => {
    // The certificate is held against where the request goes, whatever Host it names.
    const sent = request(url, { method, agent, headers, servername: "" }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = /[/+]json\b/.test(response.headers["content-type"] ?? "");
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          body: isJson && text !== "" ? JSON.parse(text) : undefined,
        });
      });
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(payload);
  });
}

/** A registered mesh with its admin's token, its CA and one poller. */
export interface TestMesh {
  readonly meshId: string;
  readonly trustDomain: string;
  readonly token: string;
  readonly ca: TestCa;
  readonly authorityId: string;
  readonly pollerId: string;
  readonly pollerToken: string;
}

/** What answers the admin API, whether it runs in this process or in its own. */
export type AdminApi = Pick<TestBroker, "api" | "as" | "operatorToken">;

/** Registers a mesh by invitation, with a CA (active) and a poller. The trust domain is `<meshId>.example` by default. */
export async function registerMesh(
  broker: AdminApi,
  meshId: string,
  options: { trustDomain?: string; ca?: Partial<TestCaOptions>; mesh?: Partial<NewMesh> } = {},
): Promise<TestMesh> {
  const trustDomain = options.trustDomain ?? `${meshId}.example`;
  const path = { meshId };
  const invited = await invite(broker.as(broker.operatorToken), { body: { trustDomain } });
  const described = { meshId, trustDomain, ...options.mesh };
  const { token = "" } = (await register(broker.as(invited.body.token), { body: described })).body;
  const ca = testCa({ trustDomain, kind: "p256", ...options.ca });
  const admin = broker.as(token);
  const uploaded = await registerAuthorities(admin, { path, body: { pem: ca.certificatePem } });
  const poller = await createPoller(admin, { path, body: { name: "control plane" } });
  return {
    meshId,
    trustDomain,
    token,
    ca,
    authorityId: uploaded.body.authorities[0]?.authorityId ?? "",
    pollerId: poller.body.pollerId,
    pollerToken: poller.body.token,
  };
}

/** Proposes as `a`, grants as `b`; resolves with the federation's ID. */
export async function federate(
  broker: AdminApi,
  a: Pick<TestMesh, "meshId" | "token">,
  b: Pick<TestMesh, "meshId" | "token">,
  terms: Omit<NewFederation, "proposer" | "peer"> = {},
): Promise<string> {
  const proposed = await proposeFederation(broker.as(a.token), {
    body: { proposer: a.meshId, peer: b.meshId, ...terms },
  });
  const { federationId } = proposed.body;
  await giveConsent(broker.as(b.token), { path: { federationId }, body: { meshId: b.meshId, decision: "grant" } });
  return federationId;
}

/** The answer, which must have this status. */
export async function expectStatus(status: number, answer: Promise<ApiAnswer>): Promise<ApiAnswer> {
  const found = await answer;
  if (found.status !== status) throw new Error(`expected ${status}, got ${found.status}: ${found.text}`);
  return found;
}
