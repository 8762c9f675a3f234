import { appendFileSync, closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Fetch } from "../views/publication.ts";

/**
 * First fetches that the ledger may not have yet, in a file that outlives a kill of the process: who fetched a bundle owes
 * its tombstone (R21), also when the delivery never reached the ledger. A line is written before the reply leaves, without
 * fsync: a power failure can forget the last moments, which delays nothing but a 410.
 */
export interface UnrecordedFetches {
  /** What an earlier process left. */
  readonly left: readonly Fetch[];
  add(fetch: Fetch): void;
  /** The ledger has it. */
  recorded(fetch: Fetch): void;
}

const REWRITE_AFTER_LINES = 1_000;

export function unrecordedFetches(path: string): UnrecordedFetches {
  const { left, isTorn } = existsSync(path) ? readFetches(path) : { left: [], isTorn: false };
  const open = new Map(left.map((fetch) => [keyOf(fetch), fetch]));
  let lines = left.length;
  /** It ends within a line: the next would be taken for the rest of it. */
  let mustRewrite = isTorn;
  let file = openSync(path, "a", 0o600);

  function rewrite(): void {
    const draft = `${path}.tmp`;
    writeFileSync(draft, [...open.values()].map(lineOf).join(""), { mode: 0o600 });
    const next = openSync(draft, "a", 0o600);
    renameSync(draft, path);
    closeSync(file);
    file = next;
    lines = open.size;
    mustRewrite = false;
  }

  return {
    left,
    add(fetch) {
      const key = keyOf(fetch);
      if (open.has(key)) return;
      open.set(key, fetch);
      try {
        if (mustRewrite || (lines > REWRITE_AFTER_LINES && lines > 2 * open.size)) rewrite();
        else {
          appendFileSync(file, lineOf(fetch));
          lines++;
        }
      } catch {
        // A full disk refuses no poll (decision 12); the ledger takes the delivery when it can.
        mustRewrite = true;
      }
    },
    recorded(fetch) {
      if (open.size > 0) open.delete(keyOf(fetch));
    },
  };
}

const keyOf = ({ pollerId, trustDomain }: Fetch): string => `${pollerId} ${trustDomain}`;
const lineOf = ({ pollerId, meshId, trustDomain }: Fetch): string => `${pollerId} ${meshId} ${trustDomain}\n`;

/** A line that was cut off has no end, and is left out. */
function readFetches(path: string): { readonly left: Fetch[]; readonly isTorn: boolean } {
  const lines = readFileSync(path, "utf8").split("\n");
  const isTorn = lines.pop() !== "";
  const left = lines.flatMap((line) => {
    const [pollerId, meshId, trustDomain] = line.split(" ");
    return pollerId && meshId && trustDomain ? [{ pollerId, meshId, trustDomain }] : [];
  });
  return { left, isTorn };
}
