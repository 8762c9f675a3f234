import { describe, expect, it } from "vitest";
import { moduleOf, readModules } from "../../scripts/imports/module-graph.ts";
import { importsOf, type Signature, signatureOf } from "./signatures.ts";

const all = readModules(".");
const modules = new Map(all.map((module) => [module.path, module]));
/** Reads or changes the store. */
const ON_STORE = /\b(?:Executor|Database|Work|Transaction)\b/;
/** Says on whose behalf: a function without one cannot know what is another's. */
const ON_BEHALF_OF = /\b(?:Scope|TokenCaller|Caller|MeshId|Source)\b/;

/**
 * What routes call without saying on whose behalf, and why that is no hole. What no text can show is whether a function
 * that takes a scope heeds it: that is for the matrix (S17), ids.test.ts (S16) and two-worlds.test.ts (S21).
 */
const OF_NOBODY: Readonly<Record<string, string>> = {
  allowSharedKey: "an operator's alone",
  disallowSharedKey: "an operator's alone",
  findAllowance: "for operators and auditors, who reach all",
  listAllowances: "for operators and auditors, who reach all",
  findInvitation: "for operators and auditors, who reach all",
  listInvitations: "for operators and auditors, who reach all",
  revokeInvitation: "an operator's alone",
  readBrokerCas: "for operators and auditors: the broker's own",
  startRollover: "an operator's alone: the broker's own",
  listDirectory: "listed meshes are for everybody (S21)",
  membersOf: "of a trust domain that was found in the scope",
  findRevision: "of a trust domain of which revisionReader found the scope to be a reader",
  listRevisions: "of a trust domain of which revisionReader found the scope to be a reader",
  documentOf: "takes a revision of which the scope was found to be a reader",
  observeFederation: "takes a federation that was found in the scope, or was just changed by one of its sides",
  surroundingsAt: "what is read by it is of a federation that was found in the scope",
};

/** Every function on the store that a route calls, by its name. */
function calledByRoutes(): Map<string, Signature> {
  const called = new Map<string, Signature>();
  for (const routes of all.filter(({ path }) => path.endsWith(".routes.ts")))
    for (const { name, path } of importsOf(routes, /\.(?:service|store)\.ts$/)) {
      const signature = signatureOf(modules, path, name);
      if (signature && ON_STORE.test(signature.parameters)) called.set(name, signature);
    }
  return called;
}

describe("S15: what routes do to the store is done on somebody's behalf", () => {
  it("every function that they call takes a scope, a caller or a mesh ID, or is of nobody for a reason", () => {
    const bare = [...calledByRoutes()].filter(([, { parameters }]) => !ON_BEHALF_OF.test(parameters));
    expect(bare.map(([name]) => name).sort()).toEqual(Object.keys(OF_NOBODY).sort());
  });

  it("sees through services that pass a store's function on, and would see one that takes nobody", () => {
    const store = moduleOf("src/features/x/x.store.ts", "export async function listX(db: Executor, after: string) {}");
    const service = moduleOf(
      "src/features/x/x.service.ts",
      'import { listX } from "./x.store.ts";\nexport const allX = listX;\nexport { listX };',
    );
    const known = new Map([store, service].map((module) => [module.path, module]));
    for (const name of ["allX", "listX"])
      expect(signatureOf(known, service.path, name)).toMatchObject({
        path: store.path,
        parameters: "db: Executor, after: string",
      });
    expect(calledByRoutes().get("listPollers")?.path).toBe("src/features/pollers/poller.store.ts");
    expect(calledByRoutes().size).toBeGreaterThan(40);
  });
});
