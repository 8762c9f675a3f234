import { randomFillSync } from "node:crypto";

/** Random bytes, passed in wherever something unguessable or unique is made, so that rules stay pure. */
export type Randomness = (bytes: number) => Uint8Array;

/** Drawn ahead: to ask the system for each ID takes longer than to make all else of it. */
const POOL_BYTES = 4_096;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** The system's. What was drawn is in no memory but the caller's. */
export const systemRandomness: Randomness = (bytes) => {
  if (bytes > POOL_BYTES) return randomFillSync(Buffer.alloc(bytes));
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const drawn = Buffer.from(pool.subarray(used, used + bytes));
  pool.fill(0, used, used + bytes);
  used += bytes;
  return drawn;
};

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `length` base62 characters, each drawn without bias (bytes past the last whole multiple of 62 are drawn again). */
export function randomBase62(random: Randomness, length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of random(length - text.length + 8)) {
      if (byte < 248 && text.length < length) text += BASE62[byte % 62];
    }
  }
  return text;
}

/** A resource ID such as `fed_4Kq…`: its kind, then 128 random bits. */
export const randomId = (random: Randomness, kind: string): string => `${kind}_${randomBase62(random, 22)}`;
