import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** One module of the program, known by its path from the root, and what it refers to. */
export interface Module {
  readonly path: string;
  readonly source: string;
  readonly references: readonly Reference[];
}

export interface Reference {
  /** A path from the root (`src/errors.ts`), or the name of a package or of Node's module (`kysely`, `node:fs`). */
  readonly to: string;
  /** Gone when types are stripped: the module is not loaded through it. */
  readonly typeOnly: boolean;
}

// dependency-cruiser cannot read TypeScript with version 7 of its compiler, and passes over every .ts file without a
// word. House style makes this enough: a module is named in double quotes, with "./" or "../" and ".ts", wherever it
// is named (import, export, import(), new Worker(new URL())); a package only after `from`, `import` or `import(`.
const NAMED =
  /\b(?:import|export)( type)?\s[^;"]*?from\s*"([^"\n]+)"|\bimport\s*\(?\s*"([^"\n]+)"|"(\.{1,2}\/[^"\n]+\.ts)"/g;

/** The modules of the checkout in `root`, by path. */
export const readModules = (root: string): Module[] =>
  globSync("{src,migrations}/**/*.ts", { cwd: root })
    .toSorted()
    .map((path) => moduleOf(path, readFileSync(join(root, path), "utf8")));

export function moduleOf(path: string, source: string): Module {
  const references = [...source.matchAll(NAMED)].map(([, type, from, imported, quoted]) => ({
    to: resolve(path, from ?? imported ?? quoted ?? ""),
    typeOnly: type !== undefined,
  }));
  return { path, source, references };
}

/** `typebox/value` is of `typebox`. */
function resolve(path: string, name: string): string {
  if (name.startsWith(".")) return posix.join(posix.dirname(path), name);
  if (name.startsWith("node:")) return name;
  return name.split("/", name.startsWith("@") ? 2 : 1).join("/");
}
