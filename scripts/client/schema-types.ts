/** JSON Schema as the contract uses it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
}

const PLAIN: Readonly<Record<string, string>> = {
  string: "string",
  integer: "number",
  number: "number",
  boolean: "boolean",
  null: "null",
};

export const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf("/") + 1);

/** The TypeScript type of a schema; `unknown` where it says nothing. */
export function typeOf(schema: Schema, indent = ""): string {
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  if (schema.enum) return schema.enum.map((choice) => JSON.stringify(choice)).join(" | ");
  if (schema.anyOf) return [...new Set(schema.anyOf.map((each) => typeOf(each, indent)))].join(" | ");
  if (schema.type === "array") return `readonly ${inBrackets(typeOf(schema.items ?? {}, indent))}[]`;
  if (schema.type === "object") return objectType(schema, indent);
  return PLAIN[schema.type ?? ""] ?? "unknown";
}

const inBrackets = (type: string): string => (/[ |]/.test(type) && !type.startsWith("{") ? `(${type})` : type);

function objectType({ properties = {}, required = [], additionalProperties }: Schema, indent: string): string {
  const members = Object.entries(properties);
  if (members.length === 0) {
    if (additionalProperties === false) return "Readonly<Record<string, never>>";
    return `Readonly<Record<string, ${typeof additionalProperties === "object" ? typeOf(additionalProperties, indent) : "unknown"}>>`;
  }
  const inner = `${indent}  `;
  const lines = members.map(([name, member]) => memberLine(name, member, required.includes(name), inner));
  const open = additionalProperties === true ? [`${inner}readonly [member: string]: unknown;`] : [];
  return `{\n${[...lines, ...open].join("\n")}\n${indent}}`;
}

function memberLine(name: string, member: Schema, isRequired: boolean, indent: string): string {
  const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
  return `${comment(member.description, indent)}${indent}readonly ${key}${isRequired ? "" : "?"}: ${typeOf(member, indent)};`;
}

/** A doc comment that nothing in the text can end. */
export const comment = (text: string | undefined, indent = ""): string =>
  text === undefined ? "" : `${indent}/** ${text.replaceAll("*/", "*\\/").replaceAll("\n", " ")} */\n`;
