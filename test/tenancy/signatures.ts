import { posix } from "node:path";
import type { Module } from "../../scripts/imports/module-graph.ts";

/** A function that a module exports, however many modules pass it on: where it is written, and what it takes. */
export interface Signature {
  readonly name: string;
  readonly path: string;
  /** The text between its parentheses, types included. */
  readonly parameters: string;
}

const IMPORTS = /import (?:type )?\{([^}]*)\} from "([^"]+)"/g;

/** What a module imports from modules whose path matches: the name there, and the module's path. */
export function importsOf({ path, source }: Module, from: RegExp): { name: string; path: string; local: string }[] {
  return [...source.matchAll(IMPORTS)].flatMap(([, names = "", module = ""]) => {
    const to = module.startsWith(".") ? posix.join(posix.dirname(path), module) : module;
    if (!from.test(to)) return [];
    const values = names.split(",").map((one) => one.trim());
    return values
      .filter((one) => one !== "" && !one.startsWith("type "))
      .map((one) => {
        const [name = "", local = name] = one.split(" as ");
        return { name, local, path: to };
      });
  });
}

/** Finds the function behind a name that a module exports; undefined for what is no function. */
export function signatureOf(modules: ReadonlyMap<string, Module>, path: string, name: string): Signature | undefined {
  const module = modules.get(path);
  if (!module) return undefined;
  const { source } = module;
  const passedOn = new RegExp(`export const ${name}(?::[^=]+)? = (\\w+);`).exec(source)?.[1] ?? name;
  const written = new RegExp(`(?:function ${passedOn}(?:<[^(]*>)?|const ${passedOn} = (?:async )?)\\(`).exec(source);
  if (written) return { name, path, parameters: inParentheses(source, written.index + written[0].length) };
  const imported = importsOf(module, /\.ts$/).find(({ local }) => local === passedOn);
  return imported && signatureOf(modules, imported.path, imported.name);
}

function inParentheses(source: string, start: number): string {
  let depth = 1;
  let end = start;
  while (depth > 0 && end < source.length) {
    if (source[end] === "(") depth += 1;
    if (source[end] === ")") depth -= 1;
    end += 1;
  }
  return source.slice(start, end - 1);
}
