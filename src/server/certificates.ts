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
  /** From now on a certificate that is to take the place of the one that this listener presents goes there. */
  takenBy(listener: Listener, use: UseCertificate): void;
  /** Another CA issues from now on: whatever the one before issued is replaced at once. */
  reissue(by: BrokerAuthority): void;
  stop(): void;
}

/** Rejects where the listener refuses the certificate, which is told, and tried again. */
type UseCertificate = (certificate: ServingCertificate) => Promise<void>;

type Listener = "spiffe" | "web" | "admin";

/** Issues, loads and renews what the listeners present. @throws {StartRefusal} */
export function keepCertificates(parts: {
  readonly config: Config;
  /** The CA that issues first. */
  readonly authority: BrokerAuthority;
  readonly clock: Clock;
  readonly monotonic: () => number;
  readonly timers: Timers;
  readonly random: Randomness;
  readonly onError: (error: unknown) => void;
}): ListenerCertificates {
  const { config, clock, monotonic, timers, random, onError } = parts;
  let { authority } = parts;
  const users = new Map<Listener, UseCertificate>();
  const onRenew = async (listener: Listener, certificate: ServingCertificate): Promise<void> => {
    const use = users.get(listener);
    if (!use) throw new Error("nobody listens with it yet");
    await use(certificate);
  };
  const byBroker: IssuedCertificate[] = [];
  const issued = (listener: Listener, lifeMs: number, issue: typeof issueSvid) => {
    const hosts = hostsOf(config, listener);
    const kept = keepIssued({
      issue: (now) => issue({ authority, hosts, now, lifeMs, random }),
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
    takenBy: (listener, use) => void users.set(listener, use),
    reissue(by) {
      authority = by;
      for (const kept of byBroker) void kept.reissue();
    },
    stop: () => [spiffe, web, admin].forEach((kept) => void kept.stop()),
  };
}

/** The public host and the bound one: by either the listener is reached. */
export function hostsOf(config: Config, listener: Listener): string[] {
  const bound = { spiffe: config.bundleAddress, web: config.bundleWebAddress, admin: config.adminAddress }[listener]
    .host;
  const url = { spiffe: config.publicUrlSpiffe, web: config.publicUrlWeb, admin: config.publicUrlAdmin }[listener];
  return url === undefined ? [bound] : [bound, new URL(url).hostname.replace(/^\[|\]$/g, "")];
}
