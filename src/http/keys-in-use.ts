import type { FastifyRequest } from "fastify";
import { Refusal } from "../errors.ts";

/**
 * Refuses a request under an `Idempotency-Key` while another of the same credential and key is under way (L19): to wait for
 * it would hold a second request for as long.
 */
export function keysInUse() {
  const inUse = new Set<string>();
  return async <T>({ headers, caller, method, url }: FastifyRequest, perform: () => Promise<T>): Promise<T> => {
    const key = headers["idempotency-key"];
    if (key === undefined || method !== "POST") return perform();
    const use = JSON.stringify([caller?.id, url, key]);
    if (inUse.has(use))
      throw new Refusal("idempotency-key-in-use", "a request with this Idempotency-Key is under way", {
        extra: { retryAfterSeconds: 1 },
      });
    inUse.add(use);
    try {
      return await perform();
    } finally {
      inUse.delete(use);
    }
  };
}
