import type { Module } from "./module-graph.ts";

/**
 * DESIGN: imports run downwards. A module may import its own group and every group on a later line; groups on one
 * line do not know each other. A group is the modules whose path begins with one of its prefixes: src/http/ is what
 * the features' routes are made with, and knows the caller of features/access.
 */
const LAYERS: readonly (readonly string[])[] = [
  ["src/main.ts"],
  ["src/server"],
  ["src/app", "src/bundle-endpoint/"],
  ["src/config"],
  ["src/views/"],
  ["src/features/|src/http/"],
  ["src/store/|migrations/", "src/identity/"],
  ["src/bundle/", "src/transparency/"],
  ["src/pki/"],
  ["src/spiffe/"],
  ["src/json/", "src/client/", "src/listener/"],
];

/** What every folder may use: the other files at the root of src. They use each other alone. */
const GROUND = /^src\/[^/]+\.ts$/;

const PURE_FOLDER = /^src\/(?:spiffe|pki|bundle|transparency|json)\//;
/** `features/meshes/mesh.ts`, a noun with its rules; its neighbours `mesh.store.ts` and so on have a dot more. */
const NOUN = /^src\/features\/[^/]+\/[^/.]+\.ts$/;
const OUTSIDE_WORLD =
  /^(?:kysely|better-sqlite3|pg|fastify|@fastify\/.*|undici|node:(?:fs|http|https|http2|net|tls|dns|worker_threads|child_process)(?:\/.*)?)$/;
const CLOCK = /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/;

/** What is wrong with the imports of a program: a line for each, none when all is well. */
export function importFaults(modules: readonly Module[]): string[] {
  return [
    ...modules.flatMap(directionFaults),
    ...modules.flatMap(storeFaults),
    ...modules.flatMap(purityFaults),
    ...modules.flatMap(featureFileFaults),
    ...workerFaults(modules),
    ...circles(modules),
  ];
}

const isOwn = (to: string): boolean => to.endsWith(".ts");

interface Place {
  readonly layer: number;
  readonly group: string;
}

function placeOf(path: string): Place | undefined {
  for (const [layer, groups] of LAYERS.entries()) {
    const group = groups.find((each) => each.split("|").some((prefix) => path.startsWith(prefix)));
    if (group !== undefined) return { layer, group };
  }
  return GROUND.test(path) ? { layer: LAYERS.length, group: "ground" } : undefined;
}

function directionFaults({ path, references }: Module): string[] {
  const from = placeOf(path);
  if (from === undefined) return [`${path} has no place in the layers of scripts/imports/rules.ts`];
  return references
    .filter(({ to }) => isOwn(to))
    .filter(({ to }) => {
      const place = placeOf(to);
      return place === undefined || (place.group !== from.group && place.layer <= from.layer);
    })
    .map(({ to }) => `${path} imports ${to}: imports run downwards`);
}

/** A feature uses another feature's service, never its store. */
function storeFaults({ path, references }: Module): string[] {
  const featureOf = (of: string): string => of.split("/").slice(0, 3).join("/");
  return references
    .filter(({ to }) => to.startsWith("src/features/") && to.endsWith(".store.ts") && featureOf(to) !== featureOf(path))
    .map(({ to }) => `${path} imports ${to}: a store belongs to its feature alone`);
}

/** Pure folders and nouns know no database, no HTTP and no clock. */
function purityFaults({ path, source, references }: Module): string[] {
  if (!PURE_FOLDER.test(path) && !NOUN.test(path)) return [];
  const impure = references.filter(
    ({ to, typeOnly }) => OUTSIDE_WORLD.test(to) || (!typeOnly && /\.(?:store|service|routes)\.ts$/.test(to)),
  );
  return [
    ...impure.map(({ to }) => `${path} imports ${to}: it is pure`),
    ...(CLOCK.test(source) ? [`${path} reads the clock: it is pure, time is passed in`] : []),
  ];
}

/** HTTP is known to routes, SQL to stores, neither to services. */
function featureFileFaults({ path, references }: Module): string[] {
  const [, kind] = /^src\/features\/.*\.(routes|service|store|schema)\.ts$/.exec(path) ?? [];
  const banned = {
    routes: /^(?:kysely|better-sqlite3|pg)$|\.store\.ts$/,
    service: /^(?:kysely|better-sqlite3|pg|fastify)$|\.routes\.ts$/,
    store: /^fastify$|\.(?:routes|service)\.ts$/,
    schema: /^(?:kysely|better-sqlite3|pg|fastify)$|\.(?:routes|service|store)\.ts$/,
  }[kind ?? ""];
  if (banned === undefined) return [];
  return references.filter(({ to }) => banned.test(to)).map(({ to }) => `${path} imports ${to}: not in a ${kind}`);
}

/** What the bundle endpoint's thread loads, through however many modules, holds no database. */
function workerFaults(modules: readonly Module[]): string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const loadedBy = new Map<string, string>();
  const visit = (path: string): void => {
    for (const { to, typeOnly } of byPath.get(path)?.references ?? []) {
      if (typeOnly || loadedBy.has(to)) continue;
      loadedBy.set(to, path);
      visit(to);
    }
  };
  visit("src/bundle-endpoint/worker.ts");
  return [...loadedBy]
    .filter(([to]) => /^(?:kysely|better-sqlite3|pg|fastify)$/.test(to) || to.startsWith("src/store/"))
    .map(([to, by]) => `${by} imports ${to}: the bundle endpoint's thread would load it`);
}

/** Modules that import each other, by whatever way round; types count. */
function circles(modules: readonly Module[]): string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const finished = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push(`${[...trail.slice(start), path].join(" → ")}: a circle`);
    if (start >= 0 || finished.has(path)) return;
    for (const { to } of byPath.get(path)?.references ?? []) if (isOwn(to)) visit(to, [...trail, path]);
    finished.add(path);
  };
  for (const { path } of modules) visit(path, []);
  return found;
}
