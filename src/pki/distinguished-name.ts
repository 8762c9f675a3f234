import { type Asn1, isUniversal, membersOf, oidOf, primitive, sequenceOf, unreadable } from "./der.ts";

/** Universal tags of a SET, and of the texts that Go's crypto/x509 reads in a name. */
const TAG = { set: 17, utf8: 12, numeric: 18, printable: 19, t61: 20, ia5: 22, bmp: 30 } as const;

/** One character a byte, but of a BMPString, which forge reads as UTF-16. */
const TEXTS: Readonly<Record<number, (content: string) => boolean>> = {
  [TAG.utf8]: isUtf8,
  [TAG.numeric]: (content) => /^[0-9 ]*$/.test(content),
  [TAG.printable]: (content) => /^[A-Za-z0-9 '()+,\-./:=?*&]*$/.test(content),
  [TAG.t61]: () => true,
  [TAG.ia5]: isAscii,
  [TAG.bmp]: (content) => content.isWellFormed() && !/[\uFDD0-\uFDEF\uFFFE\uFFFF\u{10000}-\u{10FFFF}]/u.test(content),
};

/**
 * Holds a distinguished name to what Go's crypto/x509 reads: it takes every name apart, and a certificate that it
 * cannot read costs a consumer the whole bundle (S12).
 * @throws {Refusal} `certificate-unreadable`, `certificate-not-canonical`
 */
export function requireReadableName(name: Asn1): void {
  for (const set of sequenceOf(name)) {
    if (!isUniversal(set, TAG.set)) throw unreadable("a name in it is malformed");
    for (const attribute of membersOf(set)) requireReadableAttribute(sequenceOf(attribute));
  }
}

function requireReadableAttribute([type, text, ...rest]: readonly Asn1[]): void {
  oidOf(type);
  if (text === undefined || rest.length > 0) throw unreadable("a name in it is malformed");
  const isText = isUniversal(text, text.type) ? TEXTS[text.type] : undefined;
  if (!isText?.(primitive(text))) throw unreadable("a name in it is not a text that every consumer reads");
}

export function isAscii(content: string): boolean {
  return [...content].every((character) => character < "\x80");
}

function isUtf8(content: string): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(content, "latin1"));
    return true;
  } catch {
    return false;
  }
}
