import { sql } from "kysely";
import { expect, it } from "vitest";
import { changeMesh, listMeshes } from "../../src/features/meshes/mesh.service.ts";
import { type MeshId, parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { type LabelSelector, parseLabelSelector } from "../../src/label-selector.ts";
import { migrate, migrations } from "../../src/store/migrate.ts";
import { describeOnEachEngine } from "../support/databases.ts";
import { adminOf, NOON, type StoreBroker, storeBroker } from "../support/store-broker.ts";

const LABELS: Readonly<Record<string, Record<string, string>>> = {
  bare: {},
  both: { env: "prod", tier: "db" },
  empty: { env: "" },
  prod: { env: "prod" },
  quoted: { env: 'it\'s "x"; --' },
  test: { env: "test", tier: "web", legacy: "yes" },
};
const SELECTORS = [
  "",
  "env",
  "!env",
  "env=prod",
  "env!=prod",
  "env=",
  "env in (prod,test)",
  "env notin (prod,test)",
  "env=prod,tier!=db",
  "env=prod,!tier",
  "env,tier,!legacy",
  "env=prod,env=test",
  "nobody=has",
];
const all = { all: true } as const;

/** What Kubernetes says of one set of labels. */
const holds = (selector: LabelSelector, labels: Record<string, string>): boolean =>
  selector.every((requirement) => {
    const label = labels[requirement.name];
    const found = "values" in requirement ? requirement.values.some((value) => value === label) : label !== undefined;
    return requirement.operator === "exists" || requirement.operator === "in" ? found : !found;
  });
const expected = (selector: LabelSelector) =>
  Object.entries(LABELS)
    .filter(([, labels]) => holds(selector, labels))
    .map(([meshId]) => meshId);

async function labelled(broker: StoreBroker): Promise<void> {
  for (const [meshId, labels] of Object.entries(LABELS)) {
    await broker.register(meshId, `${meshId}.example`);
    const id = parseMeshId(meshId);
    await broker.run(adminOf(id), (work) => changeMesh(work, id, { labels }));
  }
}
const ids = (found: readonly { readonly meshId: MeshId }[]) => found.map(({ meshId }) => meshId);

describeOnEachEngine("meshes by their labels", (open) => {
  it("are those for which Kubernetes' selector holds, in pages that leave none out", async () => {
    const broker = await storeBroker(await open());
    await labelled(broker);
    for (const text of SELECTORS) {
      const selector = parseLabelSelector(text);
      const paged: MeshId[] = [];
      for (let page = 0; page < 10; page++) {
        const found = ids(await listMeshes(broker.db, all, selector, paged.at(-1) ?? "", 2));
        paged.push(...found);
        if (found.length < 2) break;
      }
      expect(paged, text).toEqual(expected(selector));
    }
  });

  it("S15: are those in scope, whatever others are labelled", async () => {
    const broker = await storeBroker(await open());
    await labelled(broker);
    const scope = { all: false, meshes: [parseMeshId("prod"), parseMeshId("test")] } as const;
    expect(ids(await listMeshes(broker.db, scope, parseLabelSelector("env=prod"), "", 10))).toEqual(["prod"]);
  });

  it("follow a change of the labels", async () => {
    const broker = await storeBroker(await open());
    await labelled(broker);
    const id = parseMeshId("prod");
    await broker.run(adminOf(id), (work) => changeMesh(work, id, { labels: { env: null, moved: "yes" } }));
    expect(ids(await listMeshes(broker.db, all, parseLabelSelector("env=prod"), "", 10))).toEqual(["both"]);
    expect(ids(await listMeshes(broker.db, all, parseLabelSelector("moved=yes"), "", 10))).toEqual(["prod"]);
  });

  it("are found in a database that was written before there were selectors", async () => {
    const { db, engine } = await open();
    const earlier = migrations.filter(({ name }) => name !== "0007-mesh-labels");
    await migrate(db, engine, earlier);
    const { quoted = {} } = LABELS;
    await sql`insert into mesh (mesh_id, display_name, dialect, labels, listed, registered_at, updated_at)
      values ('quoted', 'quoted', 'other', ${JSON.stringify(quoted)}, 1, ${NOON}, ${NOON})`.execute(db);
    await migrate(db, engine);
    expect(await db.selectFrom("mesh_label").selectAll().execute()).toEqual([
      { mesh_id: "quoted", name: "env", value: quoted.env },
    ]);
  });
});
