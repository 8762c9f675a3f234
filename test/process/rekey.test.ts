import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { spawnBroker, startProcess } from "../support/broker-process.ts";
import { schemaOfTest } from "../support/databases.ts";
import { TEST_POSTGRES_URL } from "../support/postgres-server.ts";
import { expectStatus } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe.skipIf(TEST_POSTGRES_URL === undefined)("S63: npm run rekey", () => {
  it("exchanges the key file of servers that go on meanwhile, as docs/postgresql.md says", {
    timeout: 60_000,
  }, async () => {
    const { url } = await schemaOfTest(TEST_POSTGRES_URL ?? "");
    const folder = temporaryFolder();
    const [old, next] = [randomBytes(32), randomBytes(32)];
    const keyFile = (name: string, ...keys: readonly Buffer[]) => {
      const path = join(folder, name);
      writeFileSync(path, Buffer.concat(keys), { mode: 0o600 });
      return { ENTENTE_DATABASE_URL: url, ENTENTE_KEY_FILE: path };
    };
    const rekeyed = async (env: Record<string, string>) => {
      const command = spawnBroker(temporaryFolder(), env, ["rekey"]);
      const { code } = await command.ended;
      return { code, said: command.output() };
    };
    const first = await startProcess(temporaryFolder(), keyFile("old", old));
    onTestFinished(() => void first.end("SIGKILL"));
    const cautious = await startProcess(temporaryFolder(), keyFile("old and next", old, next));
    onTestFinished(() => void cautious.end("SIGKILL"));
    const both = await startProcess(temporaryFolder(), keyFile("next and old", next, old));
    onTestFinished(() => void both.end("SIGKILL"));

    const nextFirst = keyFile("next and old", next, old);
    // What a roll-over makes before the exchange is sealed by whoever makes it, here under the new key.
    await expectStatus(200, both.api("POST", "/v1/broker/ca-rollovers", { token: first.operatorToken, body: {} }));
    expect(await rekeyed(nextFirst)).toMatchObject({
      code: 0,
      said: expect.stringMatching(/sealed anew: broker-ca\n/),
    });
    expect(await rekeyed(nextFirst)).toMatchObject({
      code: 0,
      said: expect.stringContaining("nothing was to be done"),
    });
    const renewed = await startProcess(temporaryFolder(), keyFile("next", next));
    onTestFinished(() => void renewed.end("SIGKILL"));
    expect((await renewed.pollSpiffe("/bundle")).status).toBe(200);

    const late = spawnBroker(temporaryFolder(), keyFile("old again", old));
    expect((await late.ended).code).toBe(78);
    expect(late.output()).toContain("was not sealed under this server's key file");
    expect(await rekeyed(keyFile("another", randomBytes(32)))).toMatchObject({ code: 78 });
  });
});
