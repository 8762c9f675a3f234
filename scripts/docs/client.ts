import { catalogue } from "../../src/errors.ts";
import { operationsSource, schemasSource } from "../client/operations.ts";
import { contract } from "./contract.ts";
import type { Document } from "./document.ts";

const NOTICE = '// Generated from the contract by "npm run generate"; a test fails when it drifts.\n';

/** The typed client of the admin API: what it can call, and what goes over the wire. */
export const client: readonly Document[] = [
  {
    path: "src/client/operations.ts",
    render: async () => NOTICE + operationsSource((await contract()).document),
  },
  {
    path: "src/client/schemas.ts",
    render: async () => NOTICE + schemasSource((await contract()).document, Object.keys(catalogue)),
  },
];
