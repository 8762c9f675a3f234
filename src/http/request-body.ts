import type { TSchema } from "typebox";
import type { ChangeEndpoint, Endpoint } from "./endpoint.ts";

export const takesBody = (endpoint: Endpoint | undefined): endpoint is ChangeEndpoint & { readonly body: TSchema } =>
  endpoint !== undefined && endpoint.method !== "GET" && endpoint.body !== undefined;

/** As much of a body's schema as says whether one with no member fits. */
interface BodySchema {
  readonly required?: readonly string[];
  readonly oneOf?: unknown;
}

/** An action of which nothing must be said is asked for without a body, too: it is `{}`. */
export const mayLackBody = (method: string, { required = [], oneOf }: BodySchema): boolean =>
  method === "POST" && required.length === 0 && oneOf === undefined;
