import { ROWS } from "./rows.ts";

const READS = Object.keys(ROWS).filter((operation) => operation.startsWith("GET /v1/"));
export const CHANGES = Object.keys(ROWS).filter((operation) => !operation.startsWith("GET "));
/** The changes come first, so that one is known by its place among them. */
const OPERATIONS = [...CHANGES, ...CHANGES, ...READS];
const POLLS = Math.round(OPERATIONS.length / 5);

/** What an act asks for; undefined for a poll. */
export const operationOf = ({ what }: { readonly what: number }): string | undefined =>
  OPERATIONS[what % (OPERATIONS.length + POLLS)];

export const DELETES_MESH = "DELETE /v1/meshes/{meshId}";

/** Whether it is about one thing of a mesh, which something else must have made before. */
export const isOfOneThing = (operation: string): boolean =>
  operation.startsWith("DELETE ") || /\{(?!meshId|trustDomain)/.test(operation);
