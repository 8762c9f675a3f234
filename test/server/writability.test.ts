import { expect, it } from "vitest";
import { writability } from "../../src/server/writability.ts";
import type { Database } from "../../src/store/tables.ts";
import { openSqliteFile } from "../support/databases.ts";
import { storeBroker } from "../support/store-broker.ts";

it("L8: a database that does not answer is not writable once a request has found so, though no probe has come back yet", async () => {
  const silent = { transaction: () => ({ execute: () => new Promise(() => {}) }) } as unknown as Database;
  const { isWritable, noteUnavailable } = writability(
    silent,
    () => 0,
    () => undefined,
  );
  expect(await isWritable()).toBe(true);
  noteUnavailable();
  expect(await isWritable()).toBe(false);
});

it("L8: one that a request found silent and that answers is writable, without a wait", async () => {
  const { db } = await storeBroker(await openSqliteFile());
  const { isWritable, noteUnavailable } = writability(
    db,
    () => 0,
    () => undefined,
  );
  expect(await isWritable()).toBe(true);
  noteUnavailable();
  expect(await isWritable()).toBe(true);
});
