import { expect, it } from "vitest";
import { requireValidReader } from "../../src/features/access/authentication.service.ts";
import { tokenCaller } from "../../src/features/access/caller.ts";
import { issueToken } from "../../src/features/access/token.service.ts";
import { deleteMesh } from "../../src/features/meshes/deletion.service.ts";
import { parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { parseText } from "../../src/text.ts";
import { openSqliteFile } from "../support/databases.ts";
import { NOON, operator, storeBroker } from "../support/store-broker.ts";

const [shop, bank] = [parseMeshId("shop"), parseMeshId("bank")];

it("S26: what is read to a token is read on while it holds and has lost none of its meshes, and no longer", async () => {
  const broker = await storeBroker(await openSqliteFile());
  for (const meshId of [shop, bank]) await broker.register(meshId, `${meshId}.example`);
  const asked = {
    name: parseText("reader", ""),
    role: "mesh-admin",
    meshes: [shop, bank],
    expiresInSeconds: 60,
  } as const;
  const { token } = await broker.run(operator, (work) => issueToken(work, asked));
  const reader = tokenCaller(token.tokenId, token.role, token.meshes, { source: "127.0.0.1", requestId: "req_1" });
  const mayRead = (now: number) => requireValidReader(broker.db, reader, now);
  await mayRead(NOON);
  await expect(mayRead(NOON + 60_000)).rejects.toMatchObject({ code: "unauthenticated" });
  await broker.run(operator, (work) => deleteMesh(work, operator, bank, { withdraw: false, force: false }));
  await expect(mayRead(NOON)).rejects.toMatchObject({ code: "unauthenticated" });
});
