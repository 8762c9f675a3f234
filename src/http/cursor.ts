import { createHmac, timingSafeEqual } from "node:crypto";
import { Refusal } from "../errors.ts";
import type { TokenCaller } from "../features/access/caller.ts";

/** Of whom and of which list a cursor is: it is good for nobody and nothing else (S21). */
export interface CursorBinding {
  readonly caller: Pick<TokenCaller, "role" | "scope">;
  readonly operationId: string;
  readonly params: unknown;
  /** Without `cursor` and `limit`. */
  readonly query: unknown;
}

/** A cursor says after which item the next page begins; callers take it as it is. */
export function toCursor(key: Buffer, binding: CursorBinding, after: string | number): string {
  const text = Buffer.from(JSON.stringify(after)).toString("base64url");
  return `${text}.${seal(key, binding, text).toString("base64url")}`;
}

/** @throws {Refusal} `invalid-cursor` for what was not made for this caller and list */
export function fromCursor<T extends string | number>(key: Buffer, binding: CursorBinding, cursor: string): T {
  const [text = "", sealed = ""] = cursor.split(".");
  const expected = seal(key, binding, text);
  const given = Buffer.from(sealed, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Refusal("invalid-cursor", "the cursor is not one of this list", { pointer: "/cursor" });
  return JSON.parse(Buffer.from(text, "base64url").toString()) as T;
}

function seal(key: Buffer, { caller, operationId, params, query }: CursorBinding, text: string): Buffer {
  const reach = caller.scope.all ? caller.role : [...caller.scope.meshes].sort();
  return createHmac("sha256", key)
    .update(JSON.stringify([reach, operationId, sorted(params), sorted(query), text]))
    .digest()
    .subarray(0, 16);
}

const sorted = (value: unknown) => Object.entries(value ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
