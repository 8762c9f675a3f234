// Writes the contract and the pages of docs/ that are made from the program; with --check it exits 1 where a page has drifted instead.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { documents } from "./docs/documents.ts";

const root = join(import.meta.dirname, "..");
const check = process.argv.includes("--check");

for (const { path, render } of documents) {
  const file = join(root, path);
  const content = await render();
  if (existsSync(file) && readFileSync(file, "utf8") === content) continue;
  if (check) {
    console.error(`${path} has drifted: npm run generate`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, content);
    console.log(`wrote ${path}`);
  }
}
