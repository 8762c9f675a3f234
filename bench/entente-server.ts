import { hash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBundleThread } from "../src/bundle-endpoint/host.ts";
import { parseTrustDomain } from "../src/spiffe/trust-domain.ts";
import { type DomainInput, nothingNew, type PublicationChange } from "../src/views/publication-inputs.ts";
import { benchAuthority, benchBundle, benchCertificate, REFRESH_HINT_SECONDS, SEQUENCE } from "./bench-bundle.ts";
import type { CommitAnswer, CpuAnswer, ServerReady, ToServer } from "./messages.ts";

/** Ours, with as many trust domains as the first argument says, all limits on and deliveries taken. */
const domainCount = Number(process.argv[2]);
/** As many for few trust domains as for many, and so many that none comes near its limit of 50 polls a second (S36). */
const pollerCount = 10_000;

const authority = benchAuthority();
const certificate = benchCertificate();
const trustDomains = Array.from({ length: domainCount }, (_, index) => parseTrustDomain(`mesh-${index}.example`));
const tokens = Array.from({ length: pollerCount }, (_, index) => `${index}`.padStart(43, "t"));
const domainOf = (index: number) => trustDomains[index % domainCount] ?? parseTrustDomain("none");

const domain = (trustDomain: DomainInput["trustDomain"], position: number): DomainInput => ({
  trustDomain,
  position,
  lastModifiedSeconds: Math.floor(Date.now() / 1000),
  refreshHintSeconds: REFRESH_HINT_SECONDS,
  public: false,
  authorities: [{ authority, dropAt: authority.notAfter + 1 }],
});

const change = (more: Partial<PublicationChange>): PublicationChange => ({ ...nothingNew(SEQUENCE, 0), ...more });

const dataFolder = mkdtempSync(join(tmpdir(), "entente-bench-"));
process.on("exit", () => rmSync(dataFolder, { recursive: true }));
const anyPort = { host: "127.0.0.1", port: 0 };
const thread = startBundleThread({
  brokerTrustDomain: parseTrustDomain("broker.example"),
  tombstoneSeconds: 60,
  dataFolder,
  addresses: { spiffe: anyPort, web: anyPort },
  certificates: { spiffe: certificate, web: certificate },
  limits: {
    unknownPollersPerMinute: 10,
    pollsPerSecond: 50,
    pollBurst: 200,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
    keepAliveTimeoutMs: 15_000,
    handshakeTimeoutMs: 5_000,
    connectionCheckMs: 1_000,
    unreadAnswerMs: 60_000,
    headerBytes: 8_192,
    requestsPerConnection: 1_000,
    connections: 10_000,
    connectionsPerAddress: 1_000,
    reservedConnectionsPerAddress: 10,
  },
  deliveryBatchMs: 200,
  maxStaleMs: 3_600_000,
  onDeliveries: () => {},
  onClients: () => {},
  onFatal: (error) => {
    throw error;
  },
});
thread.load(
  change({
    rebuild: true,
    domains: trustDomains.map((trustDomain) => domain(trustDomain, SEQUENCE)),
    accesses: trustDomains.map((_, index) => ({
      meshId: `mesh-${index}`,
      trustDomain: domainOf(index + 1),
      position: 0,
      lastModifiedSeconds: 0,
      state: "granted",
      until: null,
      distrusted: [],
    })),
    pollers: tokens.map((token, index) => ({
      pollerId: `poller-${index}`,
      meshId: `mesh-${index % domainCount}`,
      tokenHash: hash("sha256", token, "hex"),
      position: 1,
      expiresAt: null,
    })),
  }),
);
const endpoint = await thread.listen();

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit());
process.on("message", async ({ ask }: ToServer) => {
  if (ask === "cpu") {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpu: user + system } satisfies CpuAnswer);
    return;
  }
  const commitMs: number[] = [];
  for (let position = SEQUENCE + 1; position <= SEQUENCE + 200; position++) {
    const start = performance.now();
    await endpoint.apply(change({ upTo: position, domains: [domain(domainOf(0), position)] }));
    commitMs.push(performance.now() - start);
  }
  process.send?.({ commitMs } satisfies CommitAnswer);
});
process.send?.({
  port: endpoint.addresses.spiffe.port,
  paths: tokens.map((token, index) => `/p/${token}/${domainOf(index + 1)}`),
  etag: benchBundle().etag,
} satisfies ServerReady);
