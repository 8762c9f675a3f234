import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { testKeyKinds } from "../support/test-keys.ts";
import { printCounts } from "./counts.ts";

const CHILD = fileURLToPath(new URL("certificate-mutants.ts", import.meta.url));
/** Other values at each byte: all of them where there is time. */
const VALUES = process.env.ENTENTE_LONG ? 255 : 2;
const LONG_MS = 3_600_000;

const totals: Record<string, number> = {};
afterAll(() => printCounts("certificates broken at every byte", totals));

describe("S8 to S12: a certificate that is cut off at every length and changed at every byte crashes nothing", () => {
  it.each(testKeyKinds)(
    "and is refused by a code, or accepted as the bytes that OpenSSL reads too: a key of the kind %s",
    { timeout: LONG_MS },
    async (kind) => {
      const first = randomInt(255);
      const child = spawn(process.execPath, [CHILD, kind, `${VALUES}`, `${first}`], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
      const [said, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
      expect({ first, complaints, ended: await ended }).toEqual({
        first,
        complaints: "",
        ended: { code: 0, signal: null },
      });
      const outcomes: Record<string, number> = JSON.parse(said);
      for (const [outcome, count] of Object.entries(outcomes)) totals[outcome] = (totals[outcome] ?? 0) + count;
      // Each of these shows that a layer was reached: text, shape, meaning, signature, and what may be otherwise.
      expect(Object.keys(outcomes)).toEqual(
        expect.arrayContaining([
          "invalid-pem",
          "certificate-unreadable",
          "certificate-not-canonical",
          "certificate-spiffe-id",
          "certificate-self-signature",
          "accepted",
        ]),
      );
    },
  );
});
