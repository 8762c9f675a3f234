import { randomBytes } from "node:crypto";

/** Random bytes, passed in wherever something unguessable or unique is made, so that rules stay pure. */
export type Randomness = (bytes: number) => Uint8Array;

export const systemRandomness: Randomness = (bytes) => randomBytes(bytes);

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
