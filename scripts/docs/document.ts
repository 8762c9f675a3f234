/** A page of docs/ that is made from the program. */
export interface Document {
  /** From the root of the repository. */
  readonly path: string;
  readonly render: () => string | Promise<string>;
}

export const NOTICE = "<!-- Made by `npm run generate`; a test fails when it drifts. Do not edit. -->";

/** A Markdown table. Cells are plain text, unless they are code spans made by `code`. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${" --- |".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

export const code = (text: string): string => `\`${text}\``;

/** Nothing in a cell ends it or becomes HTML; in a code span only the bar needs care. */
const cell = (text: string): string =>
  text.replaceAll("|", "\\|").replace(/(`[^`]*`)|[<>*]/g, (found, span?: string) => span ?? `\\${found}`);
