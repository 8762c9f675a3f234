import type { Config } from "../config.ts";
import type { BrokerAuthority } from "../identity/broker-authority.ts";
import { keepFiles } from "../identity/certificate-files.ts";
import { type KeptCertificate, keepIssued } from "../identity/certificate-rotation.ts";
import { issueSvid, issueWebCertificate, type ServingCertificate, WEB_CERTIFICATE_LIFE_MS } from "../identity/svid.ts";
import type { Randomness } from "../randomness.ts";
import { type Clock, SECOND_MS } from "../time.ts";
import { systemTimers } from "../timers.ts";

/** What each listener presents. */
export interface ListenerCertificates {
  readonly spiffe: KeptCertificate;
  readonly web: KeptCertificate;
  readonly admin: KeptCertificate;
  stop(): void;
}

/** Called with a certificate that takes the place of one that was presented so far. */
export type OnRenew = (listener: "spiffe" | "web" | "admin", certificate: ServingCertificate) => void;

/** Issues, loads and renews what the listeners present. @throws {StartRefusal} */
export function keepCertificates(parts: {
  readonly config: Config;
  readonly authority: BrokerAuthority;
  readonly clock: Clock;
  readonly random: Randomness;
  readonly onRenew: OnRenew;
  readonly onError: (error: unknown) => void;
}): ListenerCertificates {
  const { config, authority, clock, random, onRenew, onError } = parts;
  const issued = (listener: "spiffe" | "web" | "admin", lifeMs: number, issue: typeof issueSvid) => {
    const hosts = hostsOf(config, listener);
    return keepIssued({
      issue: (now) => issue({ authority, hosts, now, lifeMs, random }),
      onRenew: (certificate) => onRenew(listener, certificate),
      onError,
      clock,
      timers: systemTimers,
    });
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
          timers: systemTimers,
        })
      : issued("web", WEB_CERTIFICATE_LIFE_MS, issueWebCertificate);
  const spiffe = issued("spiffe", config.svidTtlSeconds * SECOND_MS, issueSvid);
  const admin = issued("admin", WEB_CERTIFICATE_LIFE_MS, issueWebCertificate);
  return {
    spiffe,
    web,
    admin,
    stop: () => [spiffe, web, admin].forEach((kept) => void kept.stop()),
  };
}

/** The public host and the bound one: by either the listener is reached. */
function hostsOf(config: Config, listener: "spiffe" | "web" | "admin"): string[] {
  const bound = { spiffe: config.bundleAddress, web: config.bundleWebAddress, admin: config.adminAddress }[listener]
    .host;
  const url = { spiffe: config.publicUrlSpiffe, web: config.publicUrlWeb, admin: config.publicUrlAdmin }[listener];
  return url === undefined ? [bound] : [bound, new URL(url).hostname.replace(/^\[|\]$/g, "")];
}
