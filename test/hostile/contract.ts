import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** As much of a JSON schema as the contract uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly { readonly required?: readonly string[] }[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly examples?: readonly unknown[];
}

interface Parameter {
  readonly in: "path" | "query" | "header";
  readonly name: string;
  readonly schema: Schema;
}

export interface Operation {
  readonly method: string;
  /** As the contract has it: `/v1/meshes/{meshId}`. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | undefined;
  /** Without one it is `{}`. */
  readonly mayLackBody: boolean;
  /** `security: []`: a health path. */
  readonly open: boolean;
}

interface Contract {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>> & { readonly parameters?: Parameter[] }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface Described {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
  readonly security?: readonly unknown[];
}

const document: Contract = parse(readFileSync(new URL("../../openapi.yaml", import.meta.url), "utf8"));
const METHODS = new Set(["get", "post", "put", "patch", "delete"]);

/** Every operation of the contract, so that a new one is under these tests without being named in them. */
export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => METHODS.has(method))
    .map(([method, described]) => {
      const { parameters = [], requestBody, security } = described as Described;
      return {
        method: method.toUpperCase(),
        path,
        parameters: [...(item.parameters ?? []), ...parameters],
        body: Object.entries(requestBody?.content ?? {}).find(([type]) => type.includes("json"))?.[1].schema,
        mayLackBody: requestBody?.required === false,
        open: security?.length === 0,
      };
    }),
);

export const nameOf = ({ method, path }: Operation): string => `${method} ${path}`;

/** The schema that a reference leads to, or itself. */
function resolved(schema: Schema): Schema {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : resolved(document.components.schemas[name] ?? {});
}

/** The schema and its alternatives, none of them a reference or a choice. */
export function choices(schema: Schema): readonly Schema[] {
  const whole = resolved(schema);
  return whole.anyOf ? whole.anyOf.flatMap(choices) : [whole];
}

export type JsonType = "null" | "boolean" | "integer" | "number" | "string" | "array" | "object";

/** The JSON types that a schema lets in; an enumeration here is of texts. */
export const typesOf = (schema: Schema): ReadonlySet<JsonType> =>
  new Set(choices(schema).map((choice) => (choice.type ?? "string") as JsonType));
