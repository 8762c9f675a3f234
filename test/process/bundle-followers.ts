import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import type { TestBroker } from "../support/running-broker.ts";

export interface BrokerBundle {
  readonly keys: readonly { readonly x5c: readonly [string] }[];
  readonly spiffe_sequence: number;
}

/** What a connection was shown and answered; nothing of it is verified yet. */
export interface Shown {
  readonly leaf: X509Certificate;
  readonly bundle: BrokerBundle;
}

/** A poll of the broker's own bundle over a new connection. */
export const pollUnverified = (url: string): Promise<Shown> =>
  new Promise((resolve, reject) => {
    const options = { agent: new Agent({ keepAlive: false, maxCachedSessions: 0 }), rejectUnauthorized: false };
    const sent = request(new URL("/bundle", url), options, (response) => {
      const leaf = (response.socket as TLSSocket).getPeerX509Certificate();
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode !== 200 || !leaf) reject(new Error(`${response.statusCode}: ${body}`));
        else resolve({ leaf, bundle: JSON.parse(body) });
      });
    });
    sent.on("error", reject);
    sent.end();
  });

export const casOf = ({ keys }: BrokerBundle): X509Certificate[] =>
  keys.map(({ x5c: [der] }) => new X509Certificate(Buffer.from(der, "base64")));

export const casOfPem = (pem: string): X509Certificate[] =>
  pem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((block) => block !== "")
    .map((block) => new X509Certificate(block));

/**
 * What stands against a certificate by these CAs at this time; undefined for nothing. node:tls knows no time but the
 * machine's, so that this is done by hand: an issuer that is trusted, a signature, validity.
 */
export function faultOf(leaf: X509Certificate, cas: readonly X509Certificate[], now: number): string | undefined {
  if (now < leaf.validFromDate.getTime() || now > leaf.validToDate.getTime()) return "not valid now";
  const issuer = cas.find((ca) => leaf.checkIssued(ca) && leaf.verify(ca.publicKey));
  if (issuer === undefined) return "of an unknown authority";
  return now > issuer.validToDate.getTime() ? "of an expired authority" : undefined;
}

const SVID = "URI:spiffe://broker.example/bundle-endpoint";

/** As SPIRE: the chain is verified by the broker's bundle as it was fetched before, and the SPIFFE ID is this one. */
const spiffeFaultOf = ({ leaf }: Shown, held: BrokerBundle, now: number): string | undefined => {
  const uris = (leaf.subjectAltName ?? "").split(", ").filter((name) => name.startsWith("URI:"));
  return uris.length === 1 && uris[0] === SVID ? faultOf(leaf, casOf(held), now) : `served by ${uris}`;
};

/** As whoever has the broker's roots in a file, which was read before. */
const webFaultOf = ({ leaf }: Shown, roots: readonly X509Certificate[], now: number): string | undefined =>
  leaf.checkHost("localhost") ? faultOf(leaf, roots, now) : "for another host";

/** What those who poll without a pause saw. */
export interface Followed {
  polls: number;
  readonly failures: string[];
  /** Serial numbers of what was presented, by profile. */
  readonly serials: Readonly<Record<"spiffe" | "web", Set<string>>>;
  /** From when to when a set of CAs was in the bundle, by their serial numbers, in order of appearance. */
  readonly published: { readonly cas: string; readonly from: number; until: number }[];
}

/** Follows the broker's bundle in both profiles over new connections until told to stop. */
export function followBundle(broker: TestBroker, now: () => number, pollers = 2) {
  const seen: Followed = { polls: 0, failures: [], serials: { spiffe: new Set(), web: new Set() }, published: [] };
  let following = true;
  const readRoots = () => casOfPem(readFileSync(join(broker.dataFolder, "admin-ca.pem"), "utf8"));

  const note = ({ bundle }: Shown): void => {
    const cas = casOf(bundle)
      .map(({ serialNumber }) => serialNumber)
      .sort()
      .join(" ");
    const last = seen.published.at(-1);
    if (last?.cas === cas) last.until = now();
    else seen.published.push({ cas, from: now(), until: now() });
  };

  async function follow(profile: "spiffe" | "web"): Promise<void> {
    const url = profile === "spiffe" ? broker.addresses.bundleSpiffe : broker.addresses.bundleWeb;
    let { bundle: held } = await pollUnverified(url);
    let roots = readRoots();
    while (following) {
      const shown = await pollUnverified(url).catch((error: unknown) => String(error));
      seen.polls += 1;
      if (typeof shown === "string") {
        seen.failures.push(`${profile}: ${shown}`);
        continue;
      }
      const fault = profile === "spiffe" ? spiffeFaultOf(shown, held, now()) : webFaultOf(shown, roots, now());
      if (fault !== undefined) seen.failures.push(`${profile}: ${fault}`);
      if (shown.bundle.spiffe_sequence < held.spiffe_sequence) seen.failures.push(`${profile}: the sequence fell`);
      seen.serials[profile].add(shown.leaf.serialNumber);
      if (profile === "spiffe") note(shown);
      held = shown.bundle;
      roots = readRoots();
    }
  }

  const all = Promise.all(Array.from({ length: pollers }, () => [follow("spiffe"), follow("web")]).flat());
  return {
    seen,
    async stop(): Promise<Followed> {
      following = false;
      await all;
      return seen;
    },
  };
}
