import type { Static, TObject, TSchema } from "typebox";
import type { ErrorCode } from "../errors.ts";
import type { Caller, TokenCaller } from "../features/access/caller.ts";
import type { Permission } from "../features/access/role.ts";

/** A request as a handler gets it: checked against its schemas, its caller known and permitted. */
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
  /** 200 where absent, 201 with a location. */
  readonly status?: number;
  /** Path of what was made; makes the answer 201. */
  readonly location?: string;
}

/**
 * One operation of the admin API: what it needs, takes, answers and refuses, in one place. The contract, the
 * validation, the permission check and the audit of refusals follow from it (S18).
 */
export interface Endpoint {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
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
  readonly body?: TSchema;
  /** Larger uploads: bundles and certificates (S1). */
  readonly largeBody?: boolean;
  readonly answer: TSchema;
  /** Media type of the answer; JSON where absent. */
  readonly produces?: string;
  readonly refusals: readonly ErrorCode[];
  handle(call: Call<unknown, unknown, unknown>): Promise<Answer<unknown>>;
}

type StaticOf<T> = T extends TSchema ? Static<T> : undefined;

/** An endpoint whose handler is typed by its schemas. */
export function endpoint<
  A extends TSchema,
  P extends TObject | undefined = undefined,
  Q extends TObject | undefined = undefined,
  B extends TSchema | undefined = undefined,
>(
  spec: Omit<Endpoint, "handle" | "answer" | "params" | "query" | "body"> & {
    readonly params?: P;
    readonly query?: Q;
    readonly body?: B;
    readonly answer: A;
    handle(call: Call<StaticOf<P>, StaticOf<Q>, StaticOf<B>>): Promise<Answer<Static<A>>>;
  },
): Endpoint {
  return spec as unknown as Endpoint;
}
