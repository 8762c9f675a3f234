import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CertificateFiles, keepFiles, readCertificateFiles } from "../../src/identity/certificate-files.ts";
import { StartRefusal } from "../../src/start-refusal.ts";
import { SECOND_MS } from "../../src/time.ts";
import { fakeTime } from "../support/fake-time.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testCa } from "../support/test-ca.ts";
import { testKey } from "../support/test-keys.ts";

const ca = testCa({ trustDomain: "web.example" });
const newPair = () => {
  const privateKey = testKey("p256");
  const { certificatePem, keyPem } = testCa({ trustDomain: "web.example", privateKey });
  return { certificatePem, keyPem };
};

const filesIn = (folder: string): CertificateFiles => ({
  certificateFile: join(folder, "web.pem"),
  keyFile: join(folder, "web.key"),
});

function write(
  { certificateFile, keyFile }: CertificateFiles,
  pair: { certificatePem?: string; keyPem?: string },
): void {
  if (pair.certificatePem !== undefined) writeFileSync(certificateFile, pair.certificatePem);
  if (pair.keyPem !== undefined) writeFileSync(keyFile, pair.keyPem, { mode: 0o600 });
}

function keeper() {
  const files = filesIn(temporaryFolder());
  const pair = newPair();
  write(files, pair);
  const time = fakeTime(0);
  const taken: string[] = [];
  const errors: string[] = [];
  const state = { refuses: false };
  const kept = keepFiles({
    ...files,
    intervalMs: 30 * SECOND_MS,
    async onRenew({ chainPem }) {
      if (state.refuses) throw new Error("the listener refuses it");
      taken.push(chainPem);
    },
    onError: (error) => errors.push((error as Error).message),
    timers: time.timers,
  });
  return { files, pair, time, state, taken, errors, kept, look: () => time.elapse(30 * SECOND_MS) };
}

describe("configured certificate files", () => {
  it("give the pair they hold, an intermediate with its leaf", () => {
    const files = filesIn(temporaryFolder());
    const { certificatePem, keyPem } = ca.intermediate().issueLeaf({ dnsNames: ["web.example"] });
    write(files, { certificatePem, keyPem });
    const read = readCertificateFiles(files);
    expect(read.chainPem).toBe(certificatePem);
    expect(read.keyPem).toBe(keyPem);
    expect(read.notAfter).toBeGreaterThan(read.notBefore);
  });

  it("S62: refuse to start while everybody can read the key", () => {
    const files = filesIn(temporaryFolder());
    write(files, newPair());
    chmodSync(files.keyFile, 0o644);
    expect(() => readCertificateFiles(files)).toThrow(/web\.key.*0644.*chmod/);
    chmodSync(files.keyFile, 0o640);
    expect(() => readCertificateFiles(files)).not.toThrow();
  });

  it.each([
    ["the certificate file is missing", {}, /web\.pem cannot be served/],
    ["the certificate is none", { certificatePem: "lost" }, /web\.pem cannot be served/],
    [
      "the key is that of another certificate",
      { certificatePem: ca.certificatePem },
      /not that of the key in .*web\.key/,
    ],
  ])("refuse to start when %s", (_name, broken, message) => {
    const files = filesIn(temporaryFolder());
    write(files, { keyPem: newPair().keyPem, ...broken });
    expect(() => readCertificateFiles(files)).toThrow(StartRefusal);
    expect(() => readCertificateFiles(files)).toThrow(message);
  });

  it("refuse to start when the key is missing", () => {
    const files = filesIn(temporaryFolder());
    write(files, { certificatePem: ca.certificatePem });
    expect(() => readCertificateFiles(files)).toThrow(StartRefusal);
  });

  it("are taken over when both have changed, once", async () => {
    const { files, look, taken, errors } = keeper();
    const next = newPair();
    write(files, next);
    await look();
    await look();
    expect(taken).toEqual([next.certificatePem]);
    expect(errors).toEqual([]);
  });

  it("are left alone while nothing changes", async () => {
    const { look, taken, errors } = keeper();
    await look();
    await look();
    expect({ taken, errors }).toEqual({ taken: [], errors: [] });
  });

  it("keep the old pair while only one of the two is new, say so once, and go on when the other follows", async () => {
    const { files, look, taken, errors } = keeper();
    const next = newPair();
    write(files, { certificatePem: next.certificatePem });
    await look();
    await look();
    expect(taken).toEqual([]);
    expect(errors).toEqual([expect.stringContaining("not that of the key")]);
    write(files, next);
    await look();
    expect(taken).toEqual([next.certificatePem]);
  });

  it("keep the old pair when the files are gone or hold nonsense, and take them when they are back", async () => {
    const { files, pair, look, taken, errors } = keeper();
    rmSync(files.certificateFile);
    await look();
    write(files, { certificatePem: "lost" });
    await look();
    expect(errors).toHaveLength(2);
    write(files, pair);
    await look();
    expect(taken).toEqual([]);
    const next = newPair();
    write(files, next);
    await look();
    expect(taken).toEqual([next.certificatePem]);
  });

  it("are offered again while the listener refuses them, which is told once", async () => {
    const { files, look, state, taken, errors } = keeper();
    const next = newPair();
    write(files, next);
    state.refuses = true;
    await look();
    await look();
    expect({ taken, errors }).toEqual({ taken: [], errors: ["the listener refuses it"] });
    state.refuses = false;
    await look();
    await look();
    expect(taken).toEqual([next.certificatePem]);
  });

  it("are looked at no more once stopped", async () => {
    const { kept, time } = keeper();
    kept.stop();
    expect(time.running).toBe(0);
  });
});
