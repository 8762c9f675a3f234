import type { TSchema } from "typebox";

type Json = Record<string, unknown>;

/**
 * Replaces every schema that has an `$id` by a reference and collects it, so that each is one component of the
 * contract under its own name however often it is used.
 */
export function liftComponents(schema: TSchema, components: Map<string, Json>): Json {
  const lifted = liftMembers(schema as Json, components);
  const { $id } = schema as Json;
  if (typeof $id !== "string") return lifted;
  components.set($id, lifted);
  return { $ref: `${$id}#` };
}

function liftMembers(value: Json, components: Map<string, Json>): Json {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, liftValue(member, components)]));
}

function liftValue(value: unknown, components: Map<string, Json>): unknown {
  if (Array.isArray(value)) return value.map((item) => liftValue(item, components));
  if (typeof value !== "object" || value === null) return value;
  return liftComponents(value as TSchema, components);
}
