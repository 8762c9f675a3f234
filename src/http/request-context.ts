import type { Caller } from "../features/access/caller.ts";
import type { Allowance } from "../rate-limiter.ts";
import type { Endpoint } from "./endpoint.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Set once the credential was found to hold. */
    caller: Caller | undefined;
    /** What is left of the caller's rate; set with it. */
    allowance: Allowance | undefined;
  }
  interface FastifyContextConfig {
    endpoint?: Endpoint;
    /** Of a route that is no operation: the contract itself and its reference. */
    permission?: "anybody";
    /** The operation's error responses, for the contract alone. */
    refusals?: Readonly<Record<number, object>>;
  }
}
