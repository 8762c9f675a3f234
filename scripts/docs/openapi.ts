import { stringify } from "yaml";
import { contract } from "./contract.ts";
import type { Document } from "./document.ts";

/** The contract. */
export const openapi: Document = {
  path: "openapi.yaml",
  async render() {
    const { document } = await contract();
    return `# Generated from the route schemas by "npm run generate"; a test fails when it drifts.\n${stringify(document, { lineWidth: 120, aliasDuplicateObjects: false })}`;
  },
};

/** Its examples, for the program that serves it. */
export const examples: Document = {
  path: "src/http/examples.json",
  async render() {
    return `${JSON.stringify((await contract()).examples, null, 2)}\n`;
  },
};
