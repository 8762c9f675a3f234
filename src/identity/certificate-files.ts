import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { StartRefusal } from "../start-refusal.ts";
import type { Timers } from "../timers.ts";
import type { KeptCertificate } from "./certificate-rotation.ts";
import { readKeyFile } from "./key-store.ts";
import type { ServingCertificate } from "./svid.ts";

/** A PEM chain, leaf first, and its key, as two files that somebody else replaces from time to time. */
export interface CertificateFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/**
 * @throws {StartRefusal} when a file cannot be read, the key is open to others (S62), or the two do not belong together
 */
export function readCertificateFiles({ certificateFile, keyFile }: CertificateFiles): ServingCertificate {
  const key = readKeyFile(keyFile, 0o007);
  const keyPem = key.export({ type: "pkcs8", format: "pem" }) as string;
  try {
    const chainPem = readFileSync(certificateFile, "utf8");
    const leaf = new X509Certificate(chainPem);
    if (!leaf.checkPrivateKey(key)) throw new Error(`its first certificate is not that of the key in ${keyFile}`);
    createSecureContext({ cert: chainPem, key: keyPem });
    return { chainPem, keyPem, notBefore: leaf.validFromDate.getTime(), notAfter: leaf.validToDate.getTime() };
  } catch (error) {
    throw new StartRefusal(`${certificateFile} cannot be served: ${(error as Error).message}`, error);
  }
}

/**
 * Reads both files now and every `intervalMs`, and hands over what has changed. While the files are wrong, one is newer
 * than the other, or what they hold is refused, the last good pair stays and `onError` is told once for each kind of wrong.
 * @throws {StartRefusal} when they are wrong now
 */
export function keepFiles(
  options: CertificateFiles & {
    readonly intervalMs: number;
    /** Takes the pair over; what it rejects with is why it did not. */
    readonly onRenew: (certificate: ServingCertificate) => Promise<void>;
    readonly onError: (error: unknown) => void;
    readonly timers: Timers;
  },
): KeptCertificate {
  const first = readCertificateFiles(options);
  let current = first;
  let lastFault: string | undefined;
  let cancel = (): void => {};
  let stopped = false;

  async function look(): Promise<void> {
    try {
      const next = readCertificateFiles(options);
      if (next.chainPem !== current.chainPem || next.keyPem !== current.keyPem) await options.onRenew(next);
      current = next;
      lastFault = undefined;
    } catch (error) {
      const fault = String(error);
      if (fault !== lastFault) options.onError(error);
      lastFault = fault;
    }
    wait();
  }
  const wait = (): void => {
    if (!stopped) cancel = options.timers.after(options.intervalMs, () => void look());
  };

  wait();
  return {
    first,
    stop() {
      stopped = true;
      cancel();
    },
  };
}
