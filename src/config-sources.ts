import Type from "typebox";
import { parseDocument } from "yaml";
import { type Setting, settings } from "./config-settings.ts";

export interface Environment {
  readonly [variable: string]: string | undefined;
  readonly ENTENTE_CONFIG?: string | undefined;
  readonly NODE_TLS_REJECT_UNAUTHORIZED?: string | undefined;
}

/** A setting's value before it is checked, and where it came from. */
export interface Found {
  readonly value: unknown;
  /** `ENTENTE_DATA` or `/etc/entente.yaml, data`: what a message names. */
  readonly origin: string;
}

/**
 * Looks each setting up by its name: in the environment, then the configuration file, then the defaults. One that is
 * nowhere is absent. What is wrong with the file itself goes to `problems`; values are not checked here.
 */
export function findSettings(
  env: Environment,
  readFile: (path: string) => string,
  problems: string[],
): Map<string, Found> {
  const path = env.ENTENTE_CONFIG;
  const inFile = path ? readMembers(path, readFile, problems) : new Map<string, Found>();
  const found = new Map<string, Found>();
  for (const setting of settings) {
    const value = inEnvironment(setting, env) ?? inFile.get(setting.name) ?? byDefault(setting);
    if (value !== undefined) found.set(setting.name, value);
  }
  return found;
}

/** A wrong value as it is shown in a message: one line, never long. */
export const show = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 200);

function inEnvironment(setting: Setting, env: Environment): Found | undefined {
  const text = env[setting.variable];
  if (!text) return undefined;
  if (Type.IsBoolean(setting.schema) && /^(?:true|false)$/.test(text))
    return { value: text === "true", origin: setting.variable };
  const isNumber = Type.IsInteger(setting.schema) && /^-?\d{1,15}$/.test(text);
  return { value: isNumber ? Number(text) : text, origin: setting.variable };
}

const byDefault = (setting: Setting): Found | undefined =>
  setting.default === undefined ? undefined : { value: setting.default, origin: setting.name };

function readMembers(path: string, readFile: (path: string) => string, problems: string[]): Map<string, Found> {
  const members = new Map<string, Found>();
  const visit = (group: unknown, above: readonly string[]): void => {
    if (typeof group !== "object" || group === null || Array.isArray(group)) {
      problems.push(
        `${[path, ...above].join(", ")}: is ${show(group)}; allowed: an object with the members ${membersOf(above)}`,
      );
      return;
    }
    for (const [key, value] of Object.entries(group)) {
      const name = [...above, key].join(".");
      const origin = `${path}, ${name}`;
      if (settings.some((each) => each.name === name)) members.set(name, { value, origin });
      else if (settings.some((each) => each.name.startsWith(`${name}.`))) visit(value, [...above, key]);
      else problems.push(`${origin}: is not a setting; allowed: ${membersOf(above)}`);
    }
  };
  const value = parseFile(path, readFile, problems);
  if (value !== undefined) visit(value, []);
  return members;
}

/** The file's value; an empty file is an empty object. */
function parseFile(path: string, readFile: (path: string) => string, problems: string[]): unknown {
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    problems.push(`ENTENTE_CONFIG: ${path} cannot be read (${(error as Error).message}); allowed: a YAML or JSON file`);
    return undefined;
  }
  try {
    const document = parseDocument(text);
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) throw fault;
    return document.toJS() ?? {};
  } catch (error) {
    // The library's second line onwards draws the place.
    const [fault = ""] = (error as Error).message.split(":\n");
    problems.push(`${path}: ${fault}; allowed: one YAML or JSON object`);
    return undefined;
  }
}

function membersOf(above: readonly string[]): string {
  const group = settings.filter(({ path }) => above.every((key, depth) => path[depth] === key));
  return [...new Set(group.map(({ path }) => path[above.length]))].join(", ");
}
