import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonicalOrder } from "../../src/bundle/published.ts";
import type { EndpointLimits } from "../../src/bundle-endpoint/endpoint-limits.ts";
import { type BundleEndpoint, type BundleEndpointOptions, startBundleThread } from "../../src/bundle-endpoint/host.ts";
import type { Delivery } from "../../src/features/deliveries/delivery.ts";
import type { ClientSeen } from "../../src/features/pollers/poller-client.ts";
import type { Authority } from "../../src/pki/authority.ts";
import { parseTrustDomain, type TrustDomain } from "../../src/spiffe/trust-domain.ts";
import type { DomainInput, PollerInput, PublicationChange } from "../../src/views/publication-inputs.ts";
import { type PollOptions, pollAsIstiod, pollAsSpire } from "../support/poll.ts";
import { type TestCa, testCa } from "../support/test-ca.ts";
import { change } from "../views/publication-fixture.ts";

const LIMITS: EndpointLimits = {
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
};

const BROKER = parseTrustDomain("broker.example");
export const SPIFFE_ID = "spiffe://broker.example/bundle-endpoint";

export const brokerCa: TestCa = testCa({ trustDomain: BROKER });
export const shopCa: TestCa = testCa({ trustDomain: "shop.example" });
export const SHOP: TrustDomain = shopCa.trustDomain;

/** The broker's certificates, new ones at each call. */
export function certificates(ca: TestCa = brokerCa) {
  const names = { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1", "::1"] };
  const svid = ca.issueSvid("/bundle-endpoint", names);
  const web = ca.issueLeaf({ commonName: "localhost", ...names });
  return {
    spiffe: { cert: svid.certificatePem, key: svid.keyPem },
    web: { cert: web.certificatePem, key: web.keyPem },
  };
}

export const domainOf = (
  trustDomain: TrustDomain,
  position: number,
  authorities: readonly Authority[],
  more: Partial<DomainInput> = {},
): DomainInput => ({
  trustDomain,
  position,
  lastModifiedSeconds: 1_790_000_000 + position,
  refreshHintSeconds: 300,
  public: false,
  authorities: canonicalOrder(authorities).map((authority) => ({ authority, dropAt: null })),
  ...more,
});

/** A poller of mesh `bank`, whose token is its ID. */
export const pollerOf = (token: string, more: Partial<PollerInput> = {}): PollerInput => ({
  pollerId: token,
  meshId: "bank",
  tokenHash: createHash("sha256").update(token).digest("hex"),
  position: 3,
  expiresAt: null,
  ...more,
});

/** The broker's own bundle, and shop.example, which mesh `bank` may poll with the token `bank-1`. */
export const FEDERATED: PublicationChange = change(10, {
  rebuild: true,
  domains: [domainOf(BROKER, 1, [brokerCa.authority()]), domainOf(SHOP, 2, [shopCa.authority()])],
  accesses: [
    {
      meshId: "bank",
      trustDomain: SHOP,
      position: 0,
      lastModifiedSeconds: 0,
      state: "granted",
      until: null,
      distrusted: [],
    },
  ],
  pollers: [pollerOf("bank-1")],
});

export interface RunningEndpoint extends AsyncDisposable {
  readonly endpoint: BundleEndpoint;
  readonly deliveries: Delivery[];
  readonly clients: ClientSeen[];
  readonly failures: Error[];
  spire(path: string, poll?: PollOptions): ReturnType<typeof pollAsSpire>;
  istiod(path: string, poll?: PollOptions): ReturnType<typeof pollAsIstiod>;
}

export async function runEndpoint({
  loaded = FEDERATED,
  limits = {},
  ...more
}: Partial<Omit<BundleEndpointOptions, "limits">> & {
  /** What it starts with; `FEDERATED` by default. */
  readonly loaded?: PublicationChange | false;
  readonly limits?: Partial<EndpointLimits>;
} = {}): Promise<RunningEndpoint> {
  const deliveries: Delivery[] = [];
  const clients: ClientSeen[] = [];
  const failures: Error[] = [];
  const free = { host: "127.0.0.1", port: 0 };
  const dataFolder = mkdtempSync(join(tmpdir(), "entente-endpoint-"));
  const thread = startBundleThread({
    brokerTrustDomain: BROKER,
    tombstoneSeconds: 60,
    dataFolder,
    addresses: { spiffe: free, web: free },
    certificates: certificates(),
    deliveryBatchMs: 20,
    maxStaleMs: 3_600_000,
    onDeliveries: (batch) => void deliveries.push(...batch),
    onClients: (batch) => void clients.push(...batch),
    onFatal: (error) => failures.push(error),
    ...more,
    limits: { ...LIMITS, ...limits },
  });
  if (loaded) thread.load(loaded);
  const endpoint = await thread.listen();
  const ca = brokerCa.certificatePem;
  return {
    endpoint,
    deliveries,
    clients,
    failures,
    spire: (path, poll) => pollAsSpire(endpoint.addresses.spiffe.port, path, { ca, spiffeId: SPIFFE_ID }, poll),
    istiod: (path, poll) => pollAsIstiod(endpoint.addresses.web.port, path, { ca }, poll),
    [Symbol.asyncDispose]: async () => {
      await endpoint.close();
      rmSync(dataFolder, { recursive: true });
    },
  };
}
