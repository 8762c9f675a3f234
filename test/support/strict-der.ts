/**
 * Says where `bytes` are not one DER value (X.690, 8 to 11), or null. A second opinion that shares no code with the
 * reader under test; what only a schema shows (a DEFAULT that is written out) is not looked for.
 */
export function derFault(bytes: Uint8Array): string | null {
  try {
    const end = readValue(bytes, 0, bytes.length);
    return end === bytes.length ? null : `bytes after the end at ${end}`;
  } catch (fault) {
    if (fault instanceof DerFault) return fault.message;
    throw fault;
  }
}

class DerFault extends Error {}

const [BOOLEAN, INTEGER, BIT_STRING, NULL, OID, SEQUENCE, SET] = [1, 2, 3, 5, 6, 0x30, 0x31];

/** Reads the value that begins at `at` and ends by `limit`; returns where it ends. */
function readValue(bytes: Uint8Array, at: number, limit: number): number {
  const fail = (why: string): never => {
    throw new DerFault(`${why} at ${at}`);
  };
  const [tag, first] = [bytes[at] ?? fail("no tag"), bytes[at + 1] ?? fail("no length")];
  if ((tag & 0x1f) === 0x1f) fail("a tag of several octets");
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || more > 3) fail("an indefinite or enormous length");
  const start = at + 2 + more;
  let length = first < 0x80 ? first : 0;
  for (const octet of bytes.subarray(at + 2, start)) length = length * 256 + octet;
  if (more > 0 && (length < 0x80 || length < 256 ** (more - 1))) fail("a length that is not minimal");
  const end = start + length;
  if (end > limit) fail("a value that is longer than what holds it");
  const content = bytes.subarray(start, end);
  if ((tag & 0x20) !== 0) readMembers(bytes, start, end, tag === SET, fail);
  else if (tag === SEQUENCE - 0x20 || tag === SET - 0x20) fail("a primitive sequence");
  else readPrimitive(tag, content, fail);
  return end;
}

function readMembers(bytes: Uint8Array, start: number, end: number, sorted: boolean, fail: (why: string) => never) {
  let before: Uint8Array | null = null;
  for (let at = start; at < end; ) {
    const next = readValue(bytes, at, end);
    const member = bytes.subarray(at, next);
    if (sorted && before && Buffer.compare(before, member) > 0) fail("a set that is not in order");
    before = member;
    at = next;
  }
}

function readPrimitive(tag: number, content: Uint8Array, fail: (why: string) => never): void {
  const [first = -1, second = -1] = content;
  if (tag === BOOLEAN && !(content.length === 1 && (first === 0 || first === 0xff))) fail("a boolean of another value");
  if (tag === NULL && content.length > 0) fail("a null with content");
  if (tag === INTEGER) {
    const padded = (first === 0 && second >= 0 && second < 0x80) || (first === 0xff && second >= 0x80);
    if (content.length === 0 || padded) fail("an integer that is not minimal");
  }
  if (tag === BIT_STRING) {
    const unused = (content.at(-1) ?? 0) & ((1 << Math.max(0, first)) - 1);
    if (first < 0 || first > 7 || (content.length === 1 && first > 0) || (content.length > 1 && unused !== 0))
      fail("unused bits that are set");
  }
  if (tag === OID) {
    const padded = content.some((octet, index) => octet === 0x80 && (index === 0 || (content[index - 1] ?? 0) < 0x80));
    if (content.length === 0 || padded || (content.at(-1) ?? 0) >= 0x80) fail("an object identifier that is malformed");
  }
}
