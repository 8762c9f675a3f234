import { expect, it } from "vitest";
import { tokenCaller } from "../../src/features/access/caller.ts";
import { issueToken } from "../../src/features/access/token.service.ts";
import { findToken } from "../../src/features/access/token.store.ts";
import { tokenUses } from "../../src/server/token-uses.ts";
import { parseText } from "../../src/text.ts";
import { describeOnEachEngine } from "../support/databases.ts";
import { NOON, operator, storeBroker } from "../support/store-broker.ts";

const origin = { source: "127.0.0.1", requestId: "req_test" };

describeOnEachEngine("when a token was used last", (open) => {
  it("is written with the next uses where it could not be written, and a later use is not undone by it", async () => {
    const { db, run } = await storeBroker(await open());
    const make = () =>
      run(operator, (work) =>
        issueToken(work, { name: parseText("t", ""), role: "auditor", meshes: [], expiresInSeconds: 60 }),
      );
    const [one, other] = [(await make()).token.tokenId, (await make()).token.tokenId];
    const callerOf = (tokenId: string) => tokenCaller(tokenId, "auditor", [], origin);
    let failed = () => {};
    const failure = new Promise<void>((resolve) => {
      failed = resolve;
    });
    const uses = tokenUses({ db, onError: () => failed() });
    await db.schema.alterTable("token").renameTo("token_away").execute();
    uses.note(callerOf(one), NOON);
    uses.note(callerOf(other), NOON);
    await failure;
    uses.note(callerOf(one), NOON + 1);
    await db.schema.alterTable("token_away").renameTo("token").execute();
    await uses.stop();
    expect((await findToken(db, one))?.lastUsedAt).toBe(NOON + 1);
    expect((await findToken(db, other))?.lastUsedAt).toBe(NOON);
  });
});
