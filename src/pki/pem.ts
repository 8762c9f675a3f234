import { Refusal, type RefusalOptions } from "../errors.ts";

/** S8: the largest certificate that is looked at, in bytes of DER. */
export const MAX_CERTIFICATE_BYTES = 16 * 1024;

/** S8: how many blocks one upload may hold. */
export const MAX_PEM_BLOCKS = 20;

const BLOCK =
  /[ \t\r\n]*-----BEGIN CERTIFICATE-----[ \t]*\r?\n([A-Za-z0-9+/= \t\r\n]*)-----END CERTIFICATE-----[ \t\r\n]*/y;

/**
 * Reads the certificates of a strict PEM text (S8): one to 20 CERTIFICATE blocks with nothing but white space between
 * them. Returns their DER, which nobody has looked into yet. A refusal's `block` says in which, from 1.
 * @throws {Refusal} `invalid-pem`, `private-key-submitted`
 */
export function certificatesFromPem(text: string): Uint8Array[] {
  refusePrivateKey(text);
  const certificates: Uint8Array[] = [];
  BLOCK.lastIndex = 0;
  for (let start = 0; start < text.length; start = BLOCK.lastIndex) {
    const extra = { block: certificates.length + 1 };
    const body = BLOCK.exec(text)?.[1];
    if (body === undefined) throw new Refusal("invalid-pem", "What stands here is not a CERTIFICATE block", { extra });
    if (certificates.length === MAX_PEM_BLOCKS) {
      throw new Refusal("invalid-pem", `There are more than ${MAX_PEM_BLOCKS} blocks`, { extra });
    }
    certificates.push(decodeBody(body, extra));
  }
  if (certificates.length === 0) throw new Refusal("invalid-pem", "There is no CERTIFICATE block");
  return certificates;
}

/** What is refused of a certificate is said of its block. */
export function inBlock<T>(block: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Refusal ? error.under("", block) : error;
  }
}

/** Base64 has no space, so the words stand in a label or between blocks, whatever is around them. */
function refusePrivateKey(text: string): void {
  const at = text.search(/PRIVATE KEY/i);
  if (at < 0) return;
  const begun = text.slice(0, at).split("-----BEGIN ").length - 1;
  throw new Refusal("private-key-submitted", "The text holds a private key", { extra: { block: Math.max(1, begun) } });
}

function decodeBody(body: string, extra: RefusalOptions["extra"] & object): Uint8Array {
  const base64 = body.replace(/[ \t\r\n]+/g, "");
  const der = Buffer.from(base64, "base64");
  if (base64 === "" || der.toString("base64") !== base64) {
    throw new Refusal("invalid-pem", "The block does not hold base64", { extra });
  }
  if (der.length > MAX_CERTIFICATE_BYTES) {
    throw new Refusal("invalid-pem", `The block holds more than ${MAX_CERTIFICATE_BYTES} bytes`, { extra });
  }
  return Uint8Array.from(der);
}

/** One CERTIFICATE block, ending in a line feed; `certificate` is DER or its base64 in the standard alphabet. */
export function pemOf(certificate: Uint8Array | string): string {
  const base64 = typeof certificate === "string" ? certificate : Buffer.from(certificate).toString("base64");
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
