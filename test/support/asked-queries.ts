import type { CompiledQuery, KyselyPlugin } from "kysely";
import type { Executor } from "../../src/store/tables.ts";

/** The queries that `ask` makes of the database. */
export async function queriesOf(db: Executor, ask: (db: Executor) => Promise<unknown>): Promise<CompiledQuery[]> {
  const asked: CompiledQuery[] = [];
  const listener: KyselyPlugin = {
    transformQuery({ node, queryId }) {
      asked.push(db.getExecutor().compileQuery(node, queryId));
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  await ask(db.withPlugin(listener));
  return asked;
}
