import { generateKeyPairSync, X509Certificate } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { certificatesFromPem, MAX_CERTIFICATE_BYTES, MAX_PEM_BLOCKS, pemOf } from "../../src/pki/pem.ts";
import { refusalOf } from "../support/refusal-of.ts";
import { testCa } from "../support/test-ca.ts";

const ca = testCa({ trustDomain: "shop.example" });
const block = ca.certificatePem;

const refused = (text: string) => {
  const { code, extra } = refusalOf(() => certificatesFromPem(text));
  return { code, ...extra };
};

describe("PEM is read strictly (S8)", () => {
  test("one to 20 blocks come back as their DER, in order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: MAX_PEM_BLOCKS }),
        fc.constantFrom("", "\n", "\r\n \t\n"),
        (certificates, space) => {
          const text = certificates.map((der) => space + pemOf(der)).join(space);
          expect(certificatesFromPem(text)).toEqual(certificates);
        },
      ),
    );
  });

  test("line ends may be CRLF, and the last may be missing", () => {
    expect(certificatesFromPem(block.replaceAll("\n", "\r\n").trim())).toEqual([ca.der]);
  });

  test.each([
    ["nothing", "", undefined],
    ["white space alone", " \n", 1],
    ["text before the first block", `subject=CN\n${block}`, 1],
    ["text between blocks", `${block}# second\n${block}`, 2],
    ["text after the last block", `${block}end`, 2],
    ["a byte order mark", `\ufeff${block}`, 1],
    ["a no-break space between blocks", `${block}\u00a0${block}`, 2],
    ["another label", block.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE"), 1],
    ["a certificate request", block.replaceAll("CERTIFICATE", "CERTIFICATE REQUEST"), 1],
    ["a label in lower case", block.replaceAll("CERTIFICATE", "certificate"), 1],
    ["two labels that differ", block.replace("END CERTIFICATE", "END X509 CRL"), 1],
    ["headers in the block", block.replace("-----\n", "-----\nProc-Type: 4,CLEAR\n\n"), 1],
    ["a block without an end", block.replace(/-----END.*/s, ""), 1],
    ["an empty block", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", 1],
    ["base64url", block.replace(/\n(.)/, "\n_"), 1],
    ["a no-break space inside the base64", block.replace(/\n(.)/, "\n\u00a0$1"), 1],
    ["padding inside the base64", block.replace(/\n(.)/, "\n="), 1],
    ["base64 with stray bits", "-----BEGIN CERTIFICATE-----\nTR==\n-----END CERTIFICATE-----\n", 1],
  ])("%s is refused", (_, text, block) => {
    expect(refused(text)).toEqual({ code: "invalid-pem", block });
  });

  test("the 21st block is refused", () => {
    expect(certificatesFromPem(block.repeat(20))).toHaveLength(20);
    expect(refused(block.repeat(21))).toEqual({ code: "invalid-pem", block: 21 });
  });

  test("a block of more than 16 KiB of DER is refused", () => {
    expect(certificatesFromPem(pemOf(new Uint8Array(MAX_CERTIFICATE_BYTES)))).toHaveLength(1);
    expect(refused(block + pemOf(new Uint8Array(MAX_CERTIFICATE_BYTES + 1)))).toEqual({
      code: "invalid-pem",
      block: 2,
    });
  });

  test("1 MiB of anything is read or refused in a moment (S7)", () => {
    const size = 1024 * 1024;
    const begin = "-----BEGIN CERTIFICATE-----\n";
    for (const text of [" ".repeat(size), "A".repeat(size), begin.repeat(size / 28), begin + " \n".repeat(size / 2)]) {
      const started = performance.now();
      expect(refused(text).code).toBe("invalid-pem");
      expect(performance.now() - started).toBeLessThan(5_000);
    }
  });
});

describe("A private key is never taken for anything else (S8, S13)", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const pkcs8 = ca.keyPem;
  const encrypted = rsa.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }) as string;

  test.each([
    ["PKCS #8", pkcs8],
    ["PKCS #1", rsa.export({ type: "pkcs1", format: "pem" }) as string],
    ["SEC 1", ca.privateKey.export({ type: "sec1", format: "pem" }) as string],
    ["encrypted", encrypted],
    ["OpenSSH", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"],
    ["PGP", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n"],
  ])("%s: private-key-submitted, wherever it stands", (_, key) => {
    expect(refused(key)).toEqual({ code: "private-key-submitted", block: 1 });
    expect(refused(block + key)).toEqual({ code: "private-key-submitted", block: 2 });
    expect(refused(key + block)).toEqual({ code: "private-key-submitted", block: 1 });
    expect(refused(`garbage\n${key}`)).toEqual({ code: "private-key-submitted", block: 1 });
  });

  test("the refusal repeats nothing of the key", () => {
    const refusal = refusalOf(() => certificatesFromPem(pkcs8));
    for (const line of pkcs8.split("\n").slice(1, -2)) expect(JSON.stringify(refusal)).not.toContain(line);
    expect(refusal.message).toBe("The text holds a private key");
  });
});

test("What is written as PEM, from DER or from base64, is what Node writes", () => {
  expect(pemOf(ca.der)).toBe(new X509Certificate(ca.der).toString());
  expect(pemOf(Buffer.from(ca.der).toString("base64"))).toBe(pemOf(ca.der));
});
