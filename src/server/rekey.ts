import { readFileSync } from "node:fs";
import { loadConfig } from "../config.ts";
import { readSealingKeys, resealKeys } from "../identity/sealed-key-store.ts";
import { systemRandomness } from "../randomness.ts";
import { StartRefusal } from "../start-refusal.ts";
import { lockLogHead } from "../store/event-log.ts";
import { inTransaction } from "../store/transaction.ts";
import { keyFileOf, openMigrated } from "./open-store.ts";
import { sharedKeys } from "./shared-identity.ts";

/**
 * Seals the shared keys under the first key of this server's key file (S63). Servers that have both keys go on meanwhile.
 * @throws {StartRefusal} why it cannot, and what mends it
 */
export async function rekey(): Promise<void> {
  const config = loadConfig(process.env, (path) => readFileSync(path, "utf8"));
  if (config.databaseUrl === undefined)
    throw new StartRefusal("databaseUrl is not set: keys are sealed in a database that servers share");
  const keys = readSealingKeys(keyFileOf(config, config.data));
  const { db } = await openMigrated(config.databaseUrl, 1);
  try {
    const resealed = await inTransaction(db, async (tx) => {
      // No server makes another key meanwhile.
      await lockLogHead(tx);
      return resealKeys(sharedKeys({ tx, now: Date.now() }), keys, systemRandomness);
    });
    console.log(resealed.length === 0 ? "nothing was to be done" : `sealed anew: ${resealed.join(", ")}`);
  } finally {
    await db.destroy();
  }
}
