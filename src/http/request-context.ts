import type { Caller } from "../features/access/caller.ts";
import type { RateDecision } from "./admin-limits.ts";
import type { Endpoint } from "./endpoint.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Set once the credential was found to hold. */
    caller: Caller | undefined;
    /** What is left of the caller's rate, or what the rate said that turned the request away. */
    rate: RateDecision | undefined;
  }
  interface FastifyContextConfig {
    endpoint?: Endpoint;
    /** Of a route that is no operation: the contract itself and its reference. */
    permission?: "anybody";
  }
}
