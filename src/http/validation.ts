import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { FastifySchemaCompiler } from "fastify";

const strict = {
  allErrors: false,
  strict: true,
  strictTypes: false,
  removeAdditional: false,
  useDefaults: true,
} as const;

/** Bodies are taken as they are: nothing is coerced, unknown members are refused (S5). */
const forBodies = new Ajv2020({ ...strict, coerceTypes: false });
/** A query string, a path and headers are text: numbers and flags in them are read as such. */
const forText = new Ajv2020({ ...strict, coerceTypes: "array" });
for (const ajv of [forBodies, forText])
  (addFormats as unknown as (ajv: Ajv2020, formats: string[]) => void)(ajv, ["date-time"]);

export const compileValidator: FastifySchemaCompiler<object> = ({ schema, httpPart }) =>
  (httpPart === "body" ? forBodies : forText).compile(schema);
