import { Ajv2020, type Options } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const shared = {
  strict: true,
  strictTypes: false,
  strictRequired: false,
  removeAdditional: false,
  useDefaults: true,
} as const;

function newAjv(options: Options, components: Readonly<Record<string, unknown>>): Ajv2020 {
  const ajv = new Ajv2020({ ...shared, ...options });
  (addFormats as unknown as (ajv: Ajv2020, formats: string[]) => void)(ajv, ["date-time"]);
  for (const component of Object.values(components)) ajv.addSchema(component as object);
  return ajv;
}

/**
 * Fastify's validators, made by hand: bodies are taken as they are, nothing coerced and unknown members refused (S5);
 * a query string and a path are text, so numbers and flags in them are read as such.
 */
export function validatorCompiler(components: Readonly<Record<string, unknown>>) {
  const forBodies = newAjv({ coerceTypes: false }, components);
  const forText = newAjv({ coerceTypes: "array" }, components);
  return ({ schema, httpPart }: { schema: object; httpPart?: string }) =>
    (httpPart === "body" ? forBodies : forText).compile(schema);
}
