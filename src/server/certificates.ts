import type { Config } from "../config.ts";
import type { BrokerAuthority } from "../identity/broker-authority.ts";
import { keepFiles } from "../identity/certificate-files.ts";
import { type IssuedCertificate, type KeptCertificate, keepIssued } from "../identity/certificate-rotation.ts";
import { issueSvid, issueWebCertificate, LONGEST_LIFE_MS, type ServingCertificate } from "../identity/svid.ts";
import type { Randomness } from "../randomness.ts";
import { type Clock, SECOND_MS } from "../time.ts";
import type { Timers } from "../timers.ts";

/** What each listener presents. */
export interface ListenerCertificates {
  readonly spiffe: KeptCertificate;
  readonly web: KeptCertificate;
  readonly admin: KeptCertificate;
  /** Another CA issues from now on: whatever it issued is replaced at once. */
  reissue(): void;
  stop(): void;
}

/**
 * Called with a certificate that is to take the place of one that was presented so far. Rejects where the listener refuses
 * it, which is told, and tried again.
 */
export type OnRenew = (listener: "spiffe" | "web" | "admin", certificate: ServingCertificate) => Promise<void>;

/** Issues, loads and renews what the listeners present. @throws {StartRefusal} */
export function keepCertificates(parts: {
  readonly config: Config;
  /** The CA that issues at the moment. */
  readonly authority: () => BrokerAuthority;
  readonly clock: Clock;
  readonly monotonic: () => number;
  readonly timers: Timers;
  readonly random: Randomness;
  readonly onRenew: OnRenew;
  readonly onError: (error: unknown) => void;
}): ListenerCertificates {
  const { config, authority, clock, monotonic, timers, random, onRenew, onError } = parts;
  const byBroker: IssuedCertificate[] = [];
  const issued = (listener: "spiffe" | "web" | "admin", lifeMs: number, issue: typeof issueSvid) => {
    const hosts = hostsOf(config, listener);
    const kept = keepIssued({
      issue: (now) => issue({ authority: authority(), hosts, now, lifeMs, random }),
      onRenew: (certificate) => onRenew(listener, certificate),
      onError,
      clock,
      monotonic,
      timers,
    });
    byBroker.push(kept);
    return kept;
  };
  const { webCertificateFile, webKeyFile } = config;
  const web =
    webCertificateFile !== undefined && webKeyFile !== undefined
      ? keepFiles({
          certificateFile: webCertificateFile,
          keyFile: webKeyFile,
          intervalMs: config.webCertificateCheckSeconds * SECOND_MS,
          onRenew: (certificate) => onRenew("web", certificate),
          onError,
          timers,
        })
      : issued("web", LONGEST_LIFE_MS, issueWebCertificate);
  const spiffe = issued("spiffe", config.svidTtlSeconds * SECOND_MS, issueSvid);
  const admin = issued("admin", LONGEST_LIFE_MS, issueWebCertificate);
  return {
    spiffe,
    web,
    admin,
    reissue: () => byBroker.forEach((kept) => void kept.reissue()),
    stop: () => [spiffe, web, admin].forEach((kept) => void kept.stop()),
  };
}

/** The public host and the bound one: by either the listener is reached. */
export function hostsOf(config: Config, listener: "spiffe" | "web" | "admin"): string[] {
  const bound = { spiffe: config.bundleAddress, web: config.bundleWebAddress, admin: config.adminAddress }[listener]
    .host;
  const url = { spiffe: config.publicUrlSpiffe, web: config.publicUrlWeb, admin: config.publicUrlAdmin }[listener];
  return url === undefined ? [bound] : [bound, new URL(url).hostname.replace(/^\[|\]$/g, "")];
}
