import { generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPostgres, startCluster } from "../scripts/postgres/cluster.ts";
import { mintCertificate } from "../src/pki/mint.ts";
import { DAY_MS } from "../src/time.ts";
import { type RunningServer, runServer } from "./running-server.ts";

/** How long after a change on one server another server on the same PostgreSQL serves it to a poller. */
const CHANGES = 200;
const TARGET_MS = 1_000;
const POLL_EVERY_MS = 1;
const FIRST_HINT_SECONDS = 100;
const DOMAIN = "/v1/trust-domains/shop.example";

export async function measureReplicas(): Promise<void> {
  const programs = findPostgres();
  if (programs === undefined) {
    console.log("two servers on one PostgreSQL: not measured, as there is no PostgreSQL");
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "entente-bench-"));
  const cluster = await startCluster(programs);
  const servers: RunningServer[] = [];
  try {
    const keyFile = join(folder, "entente.key");
    writeFileSync(keyFile, randomBytes(32), { mode: 0o600 });
    const env = {
      ENTENTE_DATABASE_URL: cluster.url,
      ENTENTE_KEY_FILE: keyFile,
      ENTENTE_LIMITS_POLLS_PER_SECOND: "100000",
      ENTENTE_LIMITS_POLL_BURST: "100000",
    };
    const changed = await runServer(undefined, env);
    servers.push(changed);
    const polled = await runServer(undefined, env);
    servers.push(polled);
    print(await delays(changed, polled));
  } finally {
    for (const server of servers) await server.stop();
    await cluster.remove();
    rmSync(folder, { recursive: true });
  }
}

interface Delays {
  readonly sinceSent: readonly number[];
  readonly sinceAnswered: readonly number[];
}

async function delays(changed: RunningServer, polled: RunningServer): Promise<Delays> {
  const { token, poller } = await registerMesh(changed);
  const { bundleWeb } = JSON.parse(readFileSync(join(polled.folder, "addresses.json"), "utf8")) as {
    bundleWeb: string;
  };
  const url = new URL(`/p/${poller}/shop.example`, bundleWeb);
  url.hostname = "localhost";
  const agent = new Agent({ ca: polled.adminCa, keepAlive: true, maxSockets: 1 });
  const found = { sinceSent: [] as number[], sinceAnswered: [] as number[] };
  for (let hint = FIRST_HINT_SECONDS; hint < FIRST_HINT_SECONDS + CHANGES; hint++) {
    const sent = performance.now();
    const serving = servedAt(url, agent, hint);
    const { status } = await changed.call("PATCH", DOMAIN, token, { refreshHintSeconds: hint });
    const answered = performance.now();
    if (status !== 200) throw new Error(`a change was answered ${status}`);
    const served = await serving;
    found.sinceSent.push(served - sent);
    found.sinceAnswered.push(Math.max(0, served - answered));
  }
  agent.destroy();
  return found;
}

async function registerMesh({ call, operatorToken }: RunningServer): Promise<{ token: string; poller: string }> {
  const made = async (path: string, bearer: string, body: object) => {
    const { status, body: text } = await call("POST", path, bearer, body);
    if (status !== 201) throw new Error(`POST ${path} was answered ${status}: ${text}`);
    return (JSON.parse(text) as { token: string }).token;
  };
  const invitation = await made("/v1/invitations", operatorToken, { trustDomain: "shop.example" });
  const token = await made("/v1/meshes", invitation, { meshId: "shop", trustDomain: "shop.example" });
  await made("/v1/meshes/shop/authorities", token, { pem: certificateAuthority() });
  return { token, poller: await made("/v1/meshes/shop/pollers", token, { name: "bench" }) };
}

function certificateAuthority(): string {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = { commonName: "shop" };
  const der = mintCertificate({
    subject,
    serial: randomBytes(16),
    notBefore: Date.now() - DAY_MS,
    notAfter: Date.now() + 365 * DAY_MS,
    publicKey,
    issuer: { name: subject, privateKey },
    ca: {},
    keyUsage: ["keyCertSign"],
  });
  return new X509Certificate(der).toString();
}

/** The moment at which a poll was first answered this hint. */
async function servedAt(url: URL, agent: Agent, hint: number): Promise<number> {
  for (;;) {
    const served = JSON.parse(await poll(url, agent)) as { spiffe_refresh_hint: number };
    if (served.spiffe_refresh_hint === hint) return performance.now();
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
  }
}

const poll = (url: URL, agent: Agent): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, { agent }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve(text));
    }).on("error", reject);
  });

function print({ sinceSent, sinceAnswered }: Delays): void {
  const row = (values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (share: number) => Number(sorted[Math.ceil(sorted.length * share) - 1]?.toFixed(1));
    return { "median ms": at(0.5), "p99 ms": at(0.99), "most ms": at(1), target: `< ${TARGET_MS}` };
  };
  console.table({
    "served by the other server, since the change was sent": row(sinceSent),
    "since it was answered": row(sinceAnswered),
  });
}
