import type { Compilable, CompiledQuery, DialectAdapter } from "kysely";
import type { Executor } from "./tables.ts";

/** Stands for one of the values while a query is compiled. */
class Placeholder {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

/** Lists come in many lengths, and the queries of long ones take longer to run than to build. */
const MOST_VALUES_KEPT = 64;

/**
 * A query that is built and compiled once for each database and each shape of its values, and then run with others: to build
 * and compile one takes longer than SQLite takes to run it. `build` binds all values that it is given and looks at none: it
 * gets placeholders, in lists and rows of the same lengths and columns.
 */
export function compiled<V extends readonly unknown[], R>(
  build: (db: Executor, ...values: V) => Compilable<R>,
): (db: Executor, ...values: V) => Promise<R[]> {
  const kept = new WeakMap<DialectAdapter, Map<string, CompiledQuery<R>>>();
  return async (db, ...values) => {
    const leaves: unknown[] = [];
    const shape = values.some(isListOrRow) ? shapeOf(values, leaves) : pushAll(leaves, values);
    const { adapter } = db.getExecutor();
    const ofDatabase = kept.get(adapter) ?? new Map<string, CompiledQuery<R>>();
    kept.set(adapter, ofDatabase);
    const query = ofDatabase.get(shape) ?? compile(build, db, values, leaves.length);
    if (leaves.length <= MOST_VALUES_KEPT) ofDatabase.set(shape, query);
    const parameters = query.parameters.map((one) => (one instanceof Placeholder ? leaves[one.index] : one));
    return (await db.executeQuery<R>({ ...query, parameters })).rows;
  };
}

/** @throws {Error} `build` left a value out, or wrote one into the query's text */
function compile<V extends readonly unknown[], R>(
  build: (db: Executor, ...values: V) => Compilable<R>,
  db: Executor,
  values: V,
  count: number,
): CompiledQuery<R> {
  const query = build(db, ...(withPlaceholders(values, { next: 0 }) as V)).compile();
  const indexes = query.parameters.filter((one) => one instanceof Placeholder).map(({ index }) => index);
  if (new Set(indexes).size !== count) throw new Error(`of ${count} values not all are bound by ${query.sql}`);
  return query;
}

/** Most queries take neither a list nor a row: these have one shape. */
function pushAll(leaves: unknown[], values: readonly unknown[]): string {
  leaves.push(...values);
  return "";
}

/** Appends the values that are no lists or rows to `leaves`, in the order in which `withPlaceholders` counts them. */
function shapeOf(value: unknown, leaves: unknown[]): string {
  if (Array.isArray(value)) return `[${value.map((one) => shapeOf(one, leaves)).join()}]`;
  if (isRow(value)) {
    const columns = Object.entries(value).map(([name, one]) => name + shapeOf(one, leaves));
    return `{${columns.join()}}`;
  }
  leaves.push(value);
  return "?";
}

function withPlaceholders(value: unknown, count: { next: number }): unknown {
  if (Array.isArray(value)) return value.map((one) => withPlaceholders(one, count));
  if (isRow(value))
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withPlaceholders(one, count)]));
  return new Placeholder(count.next++);
}

const isListOrRow = (value: unknown): boolean => Array.isArray(value) || isRow(value);

const isRow = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
