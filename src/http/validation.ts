import { Ajv2020, type Options, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { FastifySchemaValidationError } from "fastify/types/schema.js";
import { notFound } from "../features/access/caller.ts";
import type { JsonValue } from "../json/json-value.ts";
import { asWritten } from "../json/whole-number.ts";

const shared = {
  strict: true,
  strictTypes: false,
  strictRequired: false,
  removeAdditional: false,
  useDefaults: true,
  // A refusal of what is unknown says what is known.
  verbose: true,
  // The schemas are the program's own, and the contract that is made of them is checked with it (check:docs): to compile
  // the schema of schemas would be a tenth of the start.
  meta: false,
  validateSchema: false,
} as const;

function newAjv(options: Options, components: Readonly<Record<string, unknown>>): Ajv2020 {
  const ajv = new Ajv2020({ ...shared, ...options });
  (addFormats as unknown as (ajv: Ajv2020, formats: string[]) => void)(ajv, ["date-time"]);
  for (const component of Object.values(components)) ajv.addSchema(component as object);
  return ajv;
}

interface Field {
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Fields {
  readonly properties?: Readonly<Record<string, Field>>;
}

/** Beyond 15 digits a double may be another number. */
const PLAIN_INTEGER = /^-?\d{1,15}$/;

/**
 * Fastify's validators, made by hand: bodies are taken as they are, nothing coerced and unknown members refused (S5);
 * a query string and a path are text, so numbers and flags in them are read as such.
 */
export function validatorCompiler(components: Readonly<Record<string, unknown>>) {
  const forBodies = newAjv({ coerceTypes: false }, components);
  const forText = newAjv({ coerceTypes: "array" }, components);
  return ({ schema, httpPart }: { schema: object; httpPart?: string }) =>
    httpPart === "body" ? bodyValidator(forBodies, schema) : textValidator(forText, schema, httpPart === "params");
}

/** Compiled when it is first needed: to compile all of them would be a quarter of the start. */
function compiledLater(ajv: Ajv2020, schema: object): () => ValidateFunction {
  let compiled: ValidateFunction | undefined;
  return () => {
    compiled ??= ajv.compile(schema);
    return compiled;
  };
}

const refusal = (errors: unknown) => ({ error: errors as FastifySchemaValidationError[] });

function bodyValidator(ajv: Ajv2020, schema: object) {
  const validator = compiledLater(ajv, schema);
  return (body: JsonValue) => {
    const validate = validator();
    if (!validate(body)) return refusal(validate.errors);
    const written = asWritten(body);
    return written === body || validate(written) ? { value: body } : refusal(validate.errors);
  };
}

const rangeOf = ({ minimum = 0, maximum }: Field): string =>
  maximum === undefined ? "an integer" : `an integer from ${minimum} to ${maximum}`;

/** Ajv by itself reads `1e400` as a number that no bound holds, `0x10` as 16 and a blank before a number as nothing. */
function textValidator(ajv: Ajv2020, schema: Fields, isPath: boolean) {
  const validator = compiledLater(ajv, schema);
  const integers = Object.entries(schema.properties ?? {}).filter(([, { type }]) => type === "integer");
  return (fields: Record<string, unknown>) => {
    // PostgreSQL refuses a text with U+0000, SQLite finds nothing: such an ID is absent before either is asked (S16).
    const unstorable = Object.keys(fields).find((name) => String(fields[name]).includes("\u0000"));
    if (unstorable !== undefined && isPath) return { error: notFound() };
    if (unstorable !== undefined) return refusal([{ instancePath: `/${unstorable}`, message: "must not hold U+0000" }]);
    for (const [name, field] of integers) {
      const text = fields[name];
      if (typeof text === "string" && !PLAIN_INTEGER.test(text))
        return refusal([{ instancePath: `/${name}`, message: `must be ${rangeOf(field)}` }]);
    }
    const validate = validator();
    return validate(fields) ? { value: fields } : refusal(validate.errors);
  };
}
