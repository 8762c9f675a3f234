import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { documents } from "../scripts/docs/documents.ts";
import { settings } from "../src/config-settings.ts";
import { catalogue } from "../src/errors.ts";

const read = (path: string): string => readFileSync(join(import.meta.dirname, "..", path), "utf8");

describe("pages made from the program", () => {
  it.each(documents.map((document) => [document.path, document] as const))(
    "%s has not drifted",
    async (path, { render }) => {
      expect(read(path)).toBe(await render());
    },
  );

  it("docs/configuration.md has a row for every setting, with its variable", () => {
    const page = read("docs/configuration.md");
    for (const { path, variable } of settings) expect(page).toContain(`| \`${path.at(-1)}\` | \`${variable}\` |`);
  });

  it("docs/errors.md has a row for every code, with its status", () => {
    const page = read("docs/errors.md");
    for (const [code, { status }] of Object.entries(catalogue)) expect(page).toContain(`| \`${code}\` | ${status} |`);
  });
});
