import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvRecord } from "../src/csv.ts";

/** Reads a text as RFC 4180 has it; anything else is an error. */
function strictly(text: string): string[][] {
  const records: string[][] = [];
  let at = 0;
  const cell = (): string => {
    const quoted = /"((?:[^"]|"")*)"(?=,|\r\n)/y;
    const bare = /[^",\r\n]*(?=,|\r\n)/y;
    for (const pattern of [quoted, bare]) {
      pattern.lastIndex = at;
      const found = pattern.exec(text);
      if (!found) continue;
      at = pattern.lastIndex;
      return pattern === quoted ? (found[1] ?? "").replaceAll('""', '"') : found[0];
    }
    throw new Error(`no cell at ${at}`);
  };
  while (at < text.length) {
    const record = [cell()];
    while (text[at] === ",") {
      at += 1;
      record.push(cell());
    }
    at += 2;
    records.push(record);
  }
  return records;
}

const nasty = fc.stringMatching(/^[=+\-@\t\r\n,"' a-cé0-9]{0,12}$/);

describe("a CSV record", () => {
  it("is read back by a strict reader of RFC 4180, whatever the texts", () => {
    fc.assert(
      fc.property(fc.array(fc.array(nasty, { minLength: 1, maxLength: 5 }), { maxLength: 5 }), (records) => {
        const read = strictly(records.map(csvRecord).join(""));
        const safe = (text: string) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
        expect(read).toEqual(records.map((record) => record.map(safe)));
      }),
    );
  });

  it("S52: has no cell that a spreadsheet runs", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(strictly(csvRecord([text]))[0]?.[0]).not.toMatch(/^[=+\-@\t\r]/);
      }),
    );
  });

  it.each([
    [["a", 1, null, "b"], "a,1,,b\r\n"],
    [['say "x"', "a,b", "a\nb"], '"say ""x""","a,b","a\nb"\r\n'],
    [["=1+1", "+1", "-1", "@x", "\tx"], "'=1+1,'+1,'-1,'@x,'\tx\r\n"],
    [["\r=1"], '"\'\r=1"\r\n'],
    [[-1], "-1\r\n"],
  ])("%j is %j", (cells, text) => {
    expect(csvRecord(cells)).toBe(text);
  });
});
