/** As much of a body's schema as says whether one with no member fits. */
interface BodySchema {
  readonly required?: readonly string[];
  readonly oneOf?: unknown;
}

/** An action of which nothing must be said is asked for without a body, too: it is `{}`. */
export const mayLackBody = (method: string, body: BodySchema | undefined): boolean =>
  method === "POST" && body !== undefined && (body.required ?? []).length === 0 && body.oneOf === undefined;
