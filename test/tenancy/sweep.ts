import type { ApiAnswer } from "../support/running-broker.ts";
import { pollAt } from "./perform.ts";
import type { Play } from "./play.ts";
import { ROWS } from "./rows.ts";

const READS = Object.keys(ROWS)
  .filter((operation) => operation.startsWith("GET "))
  .map((operation) => operation.slice("GET ".length));
const PAGE = 3;
const MOST_PAGES = 60;

/** All that a tenant can read at the end: lists, whole and in pages; each thing that they name or that it knows; bundles. */
export async function sweep(world: Play, who: "a" | "b"): Promise<void> {
  const { broker } = world;
  const { meshId, trustDomain, admin, known, pollers } = world.tenants[who];
  const get = (path: string, asked = path) =>
    world.ask(who, `GET ${asked}`, () => broker.api("GET", path, { token: admin }));
  const paths = READS.map((path) => path.replace("{meshId}", meshId).replace("{trustDomain}", trustDomain));
  for (const path of paths.filter((one) => !one.includes("{"))) {
    const { body } = await get(path);
    for (const [item, ...names] of itemsOf(body))
      for (const one of paths.filter((read) => names.some((name) => read === `${path}/{${name}}`)))
        await get(
          one.replace(/\{(\w+)\}/, (_, name: string) => String(item[name])),
          one,
        );
    if (itemsOf(body).length > PAGE) await pages(get, path);
  }
  for (const path of paths.filter((one) => one.includes("{")))
    for (const id of known.get(/\{(\w+)\}/.exec(path)?.[1] ?? "") ?? []) await get(path.replace(/\{\w+\}/, id));
  for (const { token } of pollers)
    for (const of of ["a.example", "b.example", "c.example"])
      for (const projection of ["", "/istio", "/pem"]) {
        const path = `/p/${token}/${of}${projection}`;
        await world.ask(who, `poll ${of}${projection}`, () => pollAt(broker, path));
      }
}

type Item = Record<string, unknown>;

/** What a list holds: each item with the names of its members. */
function itemsOf(body: unknown): [Item, ...string[]][] {
  const [items = []] = Object.values((body ?? {}) as Record<string, unknown>).filter(Array.isArray) as Item[][];
  return items.filter((one) => typeof one === "object").map((one) => [one, ...Object.keys(one)]);
}

async function pages(get: (path: string, asked: string) => Promise<ApiAnswer>, path: string): Promise<void> {
  let cursor = "";
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { body } = await get(`${path}?limit=${PAGE}${cursor}`, `${path}, page ${page}`);
    if (body.next === undefined) return;
    cursor = `&cursor=${encodeURIComponent(body.next)}`;
  }
}
