import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { moduleOf, readModules } from "../scripts/imports/module-graph.ts";
import { importFaults } from "../scripts/imports/rules.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const root = join(import.meta.dirname, "..");

/** The faults of a program made up of these files. */
const faultsOf = (files: Readonly<Record<string, string>>): string[] =>
  importFaults(Object.entries(files).map(([path, source]) => moduleOf(path, source)));

describe("the program keeps to the layout of DESIGN", () => {
  it("imports run one way, pure folders stay pure, stores stay private, and there is no circle", () => {
    const modules = readModules(root);
    expect(modules.length).toBeGreaterThan(50);
    expect(importFaults(modules)).toEqual([]);
  });
});

describe("the check sees each kind of fault", () => {
  it.each([
    ["an import upwards", { "src/spiffe/id.ts": 'import { x } from "../pki/x.ts";', "src/pki/x.ts": "" }, "downwards"],
    [
      "a type from above",
      { "src/pki/x.ts": 'import type { X } from "../store/x.ts";', "src/store/x.ts": "" },
      "downwards",
    ],
    [
      "a neighbour on the same layer",
      { "src/identity/x.ts": 'import "../store/x.ts";', "src/store/x.ts": "" },
      "downwards",
    ],
    [
      "the ground using a folder",
      { "src/errors.ts": 'export * from "./spiffe/x.ts";', "src/spiffe/x.ts": "" },
      "downwards",
    ],
    ["a file that is loaded later", { "src/store/x.ts": 'await import("../app.ts");', "src/app.ts": "" }, "downwards"],
    ["tests used by the program", { "src/store/x.ts": 'import "../../test/support/ca.ts";' }, "downwards"],
    ["a folder without a place", { "src/helpers/x.ts": "" }, "has no place"],
    [
      "another feature's store",
      { "src/features/a/a.service.ts": 'import "../b/b.store.ts";', "src/features/b/b.store.ts": "" },
      "its feature alone",
    ],
    [
      "a view that reads a store",
      { "src/views/x.ts": 'import "../features/b/b.store.ts";', "src/features/b/b.store.ts": "" },
      "its feature alone",
    ],
    ["SQL in a noun", { "src/features/a/a.ts": 'import type { Kysely } from "kysely";' }, "is pure"],
    ["a file read in a pure folder", { "src/bundle/x.ts": 'import { readFileSync } from "node:fs";' }, "is pure"],
    ["a clock in a pure folder", { "src/pki/x.ts": "export const now = Date.now();" }, "reads the clock"],
    ["SQL in a route", { "src/features/a/a.routes.ts": 'import { sql } from "kysely";' }, "not in a routes"],
    [
      "HTTP in a service",
      { "src/features/a/a.service.ts": 'import type { FastifyReply } from "fastify";' },
      "not in a service",
    ],
    [
      "rules in a store",
      { "src/features/a/a.store.ts": 'import "./a.service.ts";', "src/features/a/a.service.ts": "" },
      "not in a store",
    ],
    [
      "a database in the bundle endpoint's thread",
      {
        "src/bundle-endpoint/worker.ts": 'import { x } from "../views/x.ts";',
        "src/views/x.ts": 'import { sql } from "kysely";\nexport const x = sql;',
      },
      "thread would load it",
    ],
    [
      "a circle of three",
      {
        "src/pki/a.ts": 'import "./b.ts";',
        "src/pki/b.ts": 'import type { C } from "./c.ts";',
        "src/pki/c.ts": 'export { a } from "./a.ts";',
      },
      "src/pki/a.ts → src/pki/b.ts → src/pki/c.ts → src/pki/a.ts: a circle",
    ],
  ])("%s", (_name, files, fault) => {
    expect(faultsOf(files as Record<string, string>)).toEqual([expect.stringContaining(fault)]);
  });

  it("and none where a type alone comes from a module that loads a database", () => {
    expect(
      faultsOf({
        "src/bundle-endpoint/worker.ts": 'import type { X } from "../views/x.ts";',
        "src/views/x.ts": 'import { sql } from "kysely";\nexport const x = sql;',
      }),
    ).toEqual([]);
  });
});

describe("references are found in every form that they have", () => {
  it.each([
    ['import a, { b } from "./b.ts";', { to: "src/a/b.ts", typeOnly: false }],
    ['import {\n  type A,\n  b,\n} from "../b.ts";', { to: "src/b.ts", typeOnly: false }],
    ['import type { A } from "./b.ts";', { to: "src/a/b.ts", typeOnly: true }],
    ['export type { A } from "./b.ts";', { to: "src/a/b.ts", typeOnly: true }],
    ['export * from "./b.ts";', { to: "src/a/b.ts", typeOnly: false }],
    ['import "./b.ts";', { to: "src/a/b.ts", typeOnly: false }],
    ['const { b } = await import("./b.ts");', { to: "src/a/b.ts", typeOnly: false }],
    ['new Worker(new URL("./b.ts", import.meta.url));', { to: "src/a/b.ts", typeOnly: false }],
    ['import Value from "typebox/value";', { to: "typebox", typeOnly: false }],
    ['import x from "@fastify/swagger/sub";', { to: "@fastify/swagger", typeOnly: false }],
    ['import { readFileSync } from "node:fs";', { to: "node:fs", typeOnly: false }],
  ])("%s", (source, reference) => {
    expect(moduleOf("src/a/a.ts", `export type B = "x";\n${source}\n`).references).toEqual([reference]);
  });
});

describe("the linter refuses what has no safe use", () => {
  const lint = (source: string) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "probe.ts"), source);
    const biome = join(root, "node_modules/.bin/biome");
    return spawnSync(biome, ["lint", `--config-path=${root}`, "--vcs-enabled=false", folder], { encoding: "utf8" });
  };

  it.each([
    ["S10: toLegacyObject", "export const x = (c: Certificate) => c.toLegacyObject();", "S10"],
    ["S10: getPeerCertificate(true)", "export const x = (s: Socket) => s.getPeerCertificate(true);", "S10"],
    ["S41: fetch", 'export const x = fetch("https://peer.example");', "S41"],
    ["S41: fetch by another way", 'export const x = globalThis.fetch("https://peer.example");', "S41"],
    ["S41: undici's fetch", 'import { fetch } from "undici";\nexport const x = fetch;', "S41"],
  ])("%s", (_name, source, rule) => {
    const { status, stderr, stdout } = lint(source);
    expect(stdout + stderr).toContain(rule);
    expect(status).toBe(1);
  });

  it("and nothing else: undici's request passes", () => {
    expect(lint('import { request } from "undici";\nexport const x = request;').status).toBe(0);
  });
});
