import Type, { type Static, type TObject, type TProperties, type TSchema } from "typebox";
import type { ErrorCode } from "../errors.ts";
import type { Caller, TokenCaller } from "../features/access/caller.ts";
import type { Permission } from "../features/access/role.ts";
import type { Executor } from "../store/tables.ts";
import type { Work } from "../store/unit-of-work.ts";
import type { Page, Stream } from "./page.ts";
import { next, pageQuery, strictObject } from "./schemas.ts";

/** A request as an endpoint gets it: checked against its schemas, its caller known and permitted. */
export interface Call<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Whoever holds the permission; an invitation only where the permission is `mesh:register`. */
  readonly caller: Caller;
  /** The caller, where no invitation has the permission. */
  readonly token: TokenCaller;
}

export interface Answer<A> {
  readonly body: A;
  /** 200 where absent. */
  readonly status?: number;
}

/** What a change answers. */
export interface ChangeAnswer<A> {
  /** As a function where it says what only holds once the change is settled: revisions, access. */
  readonly body: A | ((db: Executor) => Promise<A>);
  /** Path of what was made. */
  readonly location?: string;
}

/** What every operation of the admin API declares of itself. */
interface Operation {
  /** In OpenAPI's form: `/v1/meshes/{meshId}`. A `meshId` in it is within the caller's scope, or the answer is 404. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  /** What the caller needs; `anybody` needs no credential. */
  readonly permission: Permission | "anybody";
  readonly params?: TObject;
  readonly query?: TObject;
  readonly answer: TSchema;
  readonly refusals: readonly ErrorCode[];
}

export interface ReadEndpoint extends Operation {
  readonly method: "GET";
  /** Media type of the answer; JSON where absent. */
  readonly produces?: string;
  /** Says how the process is: beside whose credential it is, the answer needs no database. */
  readonly ofProcess?: true;
  /** It may answer 503 in the form of its answer: such as this. */
  readonly unready?: Readonly<Record<string, unknown>>;
  /** Reads in pages, each with the cursor of the next. */
  readonly pages?: true;
  readonly stream?: Stream<Call<unknown, unknown, unknown>>;
  read(db: Executor, call: Call<unknown, unknown, unknown>, page: Page): Promise<Answer<unknown>>;
}

export interface ChangeEndpoint extends Operation {
  readonly method: "POST" | "PATCH" | "PUT" | "DELETE";
  readonly body?: TSchema;
  /** Larger uploads: bundles and certificates (S1). */
  readonly largeBody?: boolean;
  /** It makes a resource: 201 with its `Location`. An action on one answers 200. */
  readonly creates?: boolean;
  /** The members of the answer that hold what is shown once, and the one that says of what it is (L19). */
  readonly shownOnce?: { readonly secrets: readonly string[]; readonly of: string };
  /** Runs in one unit of work with everything that the contract asks of a change. */
  change(work: Work, call: Call<unknown, unknown, unknown>): Promise<ChangeAnswer<unknown>>;
  /** Answers a replay whose secret was never used with another (L19); absent where rotating it is the mend. */
  reissue?(work: Work, call: Call<unknown, unknown, unknown>): Promise<ChangeAnswer<unknown> | undefined>;
}

/**
 * One operation of the admin API: what it needs, takes, answers and refuses, in one place. The contract, the
 * validation, the permission check, preconditions, idempotency, dry runs and the audit of refusals follow from it (S18).
 */
export type Endpoint = ReadEndpoint | ChangeEndpoint;

interface CursorOf {
  text: string;
  position: number;
}

type StaticOf<T> = T extends TSchema ? Static<T> : undefined;
type Params = TObject | undefined;

/** An endpoint that reads, typed by its schemas. */
export function read<A extends TSchema, P extends Params = undefined, Q extends Params = undefined>(
  spec: Omit<ReadEndpoint, "method" | "pages" | "stream" | "read" | "answer" | "params" | "query"> & {
    readonly params?: P;
    readonly query?: Q;
    readonly answer: A;
    read(db: Executor, call: Call<StaticOf<P>, StaticOf<Q>, undefined>): Promise<Answer<Static<A>>>;
  },
): Endpoint {
  return { ...spec, method: "GET" } as unknown as Endpoint;
}

/** An endpoint that changes something, typed by its schemas. */
export function change<
  A extends TSchema,
  P extends Params = undefined,
  Q extends Params = undefined,
  B extends TSchema | undefined = undefined,
>(
  spec: Omit<ChangeEndpoint, "change" | "reissue" | "answer" | "params" | "query" | "body"> & {
    readonly params?: P;
    readonly query?: Q;
    readonly body?: B;
    readonly answer: A;
    change(work: Work, call: Call<StaticOf<P>, StaticOf<Q>, StaticOf<B>>): Promise<ChangeAnswer<Static<A>>>;
    reissue?(
      work: Work,
      call: Call<StaticOf<P>, StaticOf<Q>, StaticOf<B>>,
    ): Promise<ChangeAnswer<Static<A>> | undefined>;
  },
): Endpoint {
  return spec as unknown as Endpoint;
}

/**
 * An endpoint that lists, in pages. Its answer is `{<plural>: […], next?}`.
 * `find` reads up to `limit` items after `after`; `view` may look at the item that follows, on this page or the next.
 */
export function list<
  Item,
  Kind extends keyof CursorOf,
  A extends TSchema,
  P extends Params = undefined,
  Q extends TProperties = Record<never, never>,
>(
  spec: Omit<ReadEndpoint, "method" | "pages" | "stream" | "read" | "answer" | "params" | "query" | "produces"> & {
    readonly params?: P;
    /** Beside `limit` and `cursor`. */
    readonly query?: Q;
    readonly plural: string;
    /** Name of the answer in the contract. */
    readonly named: string;
    readonly item: A;
    /** What a cursor holds: a name or an ID, or an event-log position. */
    readonly cursor: Kind;
    find(
      db: Executor,
      call: Call<StaticOf<P>, Static<TObject<Q>>, undefined>,
      page: { readonly after: CursorOf[Kind] | undefined; readonly limit: number },
    ): Promise<readonly Item[]>;
    cursorOf(item: Item): CursorOf[Kind];
    readonly stream?: Stream<Call<StaticOf<P>, Static<TObject<Q>>, undefined>>;
    view(
      item: Item,
      context: {
        readonly db: Executor;
        readonly call: Call<StaticOf<P>, Static<TObject<Q>>, undefined>;
        readonly following: Item | undefined;
      },
    ): Static<A> | Promise<Static<A>>;
  },
): Endpoint {
  const { plural, named, item, cursor: _cursor, find, cursorOf, view, query, ...operation } = spec;
  const endpoint = {
    ...operation,
    method: "GET",
    pages: true,
    query: strictObject({ ...pageQuery, ...query }),
    answer: strictObject({ [plural]: Type.Array(item), next }, { $id: named }),
    refusals: [...operation.refusals, "invalid-cursor", ...(operation.stream ? ["not-acceptable"] : [])],
    async read(db: Executor, call: Call<StaticOf<P>, Static<TObject<Q>>, undefined>, page: Page) {
      const found = await find(db, call, { after: page.after<CursorOf[Kind]>(), limit: page.limit + 1 });
      const items = found.slice(0, page.limit);
      const shown: Static<A>[] = [];
      for (const [index, one] of items.entries()) {
        // A driver that answers at once would keep the loop from everybody else for as long as the page is.
        if (index % 8 === 7) await new Promise(setImmediate);
        shown.push(await view(one, { db, call, following: found[index + 1] }));
      }
      const last = items.at(-1);
      const more = found.length > page.limit && last !== undefined ? { next: page.next(cursorOf(last)) } : {};
      return { body: { [plural]: shown, ...more } };
    },
  };
  return endpoint as unknown as Endpoint;
}
