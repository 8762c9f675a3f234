import Type, { type TSchema } from "typebox";
import { configSchema } from "./config-schema.ts";

/** One setting, as the documents and the messages name it. */
export interface Setting {
  /** Where it lies in the configuration file: `["limits", "bodyBytes"]`. */
  readonly path: readonly string[];
  /** `limits.bodyBytes` */
  readonly name: string;
  /** `ENTENTE_LIMITS_BODY_BYTES` */
  readonly variable: string;
  readonly schema: TSchema;
  readonly default: string | number | boolean | undefined;
  readonly description: string;
  /** What it may be, for people. */
  readonly allowed: string;
  /** A wrong value is not shown: it may hold a password. */
  readonly secret: boolean;
}

const variableOf = (path: readonly string[]): string =>
  `ENTENTE_${path.map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).join("_")}`;

function allowedBy(schema: TSchema): string {
  const annotated = schema as { minimum?: number; maximum?: number; allowed?: string };
  if (Type.IsInteger(schema)) return `an integer from ${annotated.minimum} to ${annotated.maximum}`;
  if (Type.IsBoolean(schema)) return "true or false";
  if (Type.IsEnum(schema)) return schema.enum.join(", ");
  return annotated.allowed ?? "a text";
}

/** All settings, in the schema's order. */
export const settings: readonly Setting[] = settingsOf(configSchema, []);

function settingsOf(group: { properties: Record<string, TSchema> }, above: readonly string[]): Setting[] {
  return Object.entries(group.properties).flatMap(([key, schema]) => {
    const path = [...above, key];
    if (Type.IsObject(schema)) return settingsOf(schema, path);
    const {
      description,
      default: byDefault,
      secret = false,
    } = schema as { description: string; default?: string | number | boolean; secret?: boolean };
    const name = path.join(".");
    const allowed = allowedBy(schema);
    return [{ path, name, variable: variableOf(path), schema, default: byDefault, description, allowed, secret }];
  });
}
