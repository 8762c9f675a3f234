import type { Caller } from "../features/access/caller.ts";
import type { Endpoint } from "./endpoint.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Set once the credential was found to hold. */
    caller: Caller | undefined;
  }
  interface FastifyContextConfig {
    endpoint?: Endpoint;
    /** The operation's error responses, for the contract alone. */
    refusals?: Readonly<Record<number, object>>;
  }
}
