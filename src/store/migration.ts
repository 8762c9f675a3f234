import type { Kysely } from "kysely";
import type { Engine } from "./tables.ts";

/** One step of the schema, for both engines; runs in a transaction of its own. */
export interface Migration {
  readonly name: string;
  up(db: Kysely<unknown>, engine: Engine): Promise<void>;
}
