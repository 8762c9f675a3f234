export const USAGE = `usage: npm run demo [-- --keep]

  --keep   leave the broker and the meshes up after the story, until Ctrl-C
  --help   this text`;

export type Arguments =
  | { readonly kind: "play"; readonly keep: boolean }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly problem: string };

/** What the command line asks for. */
export function readArguments(given: readonly string[]): Arguments {
  const unknown = given.find((argument) => !["--keep", "--help"].includes(argument));
  if (unknown !== undefined) return { kind: "wrong", problem: `"${unknown}" is not an option` };
  if (given.includes("--help")) return { kind: "help" };
  return { kind: "play", keep: given.includes("--keep") };
}
