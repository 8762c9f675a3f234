import type { TestMesh } from "../support/running-broker.ts";
import type { AuditEvent } from "./crash-reading.ts";
import type { KeyedWrites } from "./keyed-writes.ts";

/** A value that changes: what was acknowledged last, and what was asked for after it. Either may hold after a crash. */
export interface Changing<T> {
  acknowledged: T;
  asked: T;
}

/** What the clients were told, kept outside of the broker. */
export interface Told {
  /** Tokens of the pollers, by ID. */
  readonly pollers: Map<string, string>;
  readonly tokens: Set<string>;
  readonly authorities: Set<string>;
  readonly retired: Set<string>;
  readonly hint: Changing<number>;
  readonly consent: Changing<"granted" | "withdrawn">;
  readonly keyed: KeyedWrites;
  /** Events that an audit read answered, by position. */
  readonly events: Map<number, AuditEvent>;
  changes: number;
}

export const toldNothing = (): Told => ({
  pollers: new Map(),
  tokens: new Set(),
  authorities: new Set(),
  retired: new Set(),
  hint: { acknowledged: 300, asked: 300 },
  consent: { acknowledged: "granted", asked: "granted" },
  keyed: { writes: new Map(), sentAgain: { done: 0, undone: 0 }, answered: 0 },
  events: new Map(),
  changes: 0,
});

export interface World {
  readonly bank: TestMesh;
  readonly shop: TestMesh;
  readonly federationId: string;
}

/** The broker's word that its database is gone: to a client as good as a broken connection. */
export class StorageGone extends Error {
  readonly code = "storage-unavailable";
}

/** False where the connection broke or the database was gone. @throws {Error} whatever else went wrong */
export async function answered(exchange: Promise<unknown>): Promise<boolean> {
  try {
    await exchange;
    return true;
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code === "string") return false;
    throw error;
  }
}
