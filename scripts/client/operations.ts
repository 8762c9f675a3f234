import type { ContractDocument, ContractOperation, MediaType, Parameter } from "../../src/http/contract-document.ts";
import { comment, nameOf, type Schema, typeOf } from "./schema-types.ts";

/** One operation as a constant of the client: `export const readMesh = read<{…}, Mesh>("/v1/meshes/{meshId}");`. */
function operationText(method: string, path: string, operation: ContractOperation, schemas: Schemas): string {
  const answer = answerOf(operation);
  const input = inputType(operation);
  const type = typeOf(answer);
  const plural = pluralOf(answer, schemas);
  const made = {
    list: `list<${input}, ${type}, ${JSON.stringify(plural)}>(${JSON.stringify(path)}, ${JSON.stringify(plural)})`,
    read: `read<${input}, ${type}>(${JSON.stringify(path)})`,
    change: `change<${input}, ${type}>("${method.toUpperCase()}", ${JSON.stringify(path)})`,
  }[method !== "get" ? "change" : plural === undefined ? "read" : "list"];
  return `${comment(operation.summary)}export const ${operation.operationId} = /* @__PURE__ */ ${made};`;
}

type Schemas = ContractDocument["components"]["schemas"];

/** What an operation answers when it is done: not what it would do, which every change answers alike. */
function answerOf({ responses }: ContractOperation): Schema {
  const [media] = Object.values((responses["201"] ?? responses["200"])?.content ?? {});
  const schema = (media?.schema ?? {}) as Schema;
  const choices = schema.anyOf?.filter(({ $ref }) => $ref === undefined || nameOf($ref) !== "DryRun");
  return choices?.length === 1 && choices.length < (schema.anyOf?.length ?? 0) ? (choices[0] as Schema) : schema;
}

/** The member that holds the items, where the answer is a page of a list. */
function pluralOf({ $ref }: Schema, schemas: Schemas): string | undefined {
  const { properties = {} } = ($ref === undefined ? {} : (schemas[nameOf($ref)] ?? {})) as Schema;
  return "next" in properties ? Object.keys(properties).find((name) => name !== "next") : undefined;
}

function inputType({ parameters = [], requestBody }: ContractOperation): string {
  const body = Object.values(requestBody?.content ?? {})[0];
  const places = [
    ...group("path", parameters),
    ...group(
      "query",
      parameters.filter(({ name }) => name !== "dryRun"),
    ),
    ...(body ? [`body${requestBody?.required === false ? "?" : ""}: ${bodyType(body)}`] : []),
  ];
  return places.length === 0 ? "NoInput" : `{ ${places.join("; ")} }`;
}

const bodyType = ({ schema }: MediaType): string => typeOf(schema as Schema);

function group(place: string, parameters: readonly Parameter[]): string[] {
  const members = parameters.filter((each) => each.in === place);
  if (members.length === 0) return [];
  const allOptional = members.every(({ required }) => !required);
  const types = members.map(
    ({ name, required, schema }) => `${name}${required ? "" : "?"}: ${typeOf(schema as Schema)}`,
  );
  return [`${place}${allOptional ? "?" : ""}: { ${types.join("; ")} }`];
}

/** The client's functions, one an operation. */
export function operationsSource({ paths, components }: ContractDocument): string {
  const texts = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => operationText(method, path, operation, components.schemas)),
  );
  const used = Object.keys(components.schemas).filter((name) =>
    texts.some((text) => new RegExp(`\\b${name}\\b`).test(code(text))),
  );
  return [
    `import { change, list, read } from "./operation.ts";\nimport type {\n${used.map((name) => `  ${name},\n`).join("")}} from "./schemas.ts";`,
    "type NoInput = Readonly<Record<string, never>>;",
    ...texts,
    "",
  ].join("\n\n");
}

/** Without its comment and its texts, in which a schema's name may be a mere word. */
const code = (text: string): string => text.replace(/^\/\*\*.*\*\/$/m, "").replaceAll(/"[^"]*"/g, "");

/** The client's types, one a schema, and the codes of errors. */
export function schemasSource({ components }: ContractDocument, codes: readonly string[]): string {
  const types = Object.entries(components.schemas).map(
    ([name, schema]) => `${comment((schema as Schema).description)}export type ${name} = ${typeOf(schema as Schema)};`,
  );
  const union = codes.map((code) => `\n  | ${JSON.stringify(code)}`).join("");
  return [...types, `/** Every \`code\` of a problem document. */\nexport type ErrorCode =${union};`, ""].join("\n\n");
}
