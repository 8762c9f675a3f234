import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { Refusal } from "../errors.ts";
import { notFound } from "../features/access/caller.ts";
import type { StoredBroker } from "../features/broker.ts";
import { type Effects, effectsOf } from "../features/bundles/effects.service.ts";
import { earlierAnswer, rememberAnswer } from "../features/idempotency/idempotency.service.ts";
import type { Attempt, RememberedAnswer } from "../features/idempotency/idempotency.ts";
import { isMeshThere } from "../features/meshes/mesh-lookup.service.ts";
import type { Executor } from "../store/tables.ts";
import { RollBack, type Work } from "../store/unit-of-work.ts";
import type { Call, ChangeAnswer, ChangeEndpoint, ReadEndpoint } from "./endpoint.ts";
import { type EntityTag, entityTagOf, matches, namesStrongly } from "./entity-tag.ts";

/** What a request asks for beside the change itself. */
export interface ChangeOptions {
  readonly ifMatch: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly dryRun: boolean;
}

export interface PerformedChange extends RememberedAnswer {
  /** Of the resource at the request's path, after the change. */
  readonly entityTag?: EntityTag;
  /** It is the answer to an earlier attempt. */
  readonly replayed?: true;
}

/** The resource that a change is of, by how it is read: what `If-Match` is held against. */
export interface Guard {
  readonly resource: ReadEndpoint;
  /** It is what the request's path names, and not the parent of an action. */
  readonly isTarget: boolean;
}

type AnyCall = Call<unknown, unknown, unknown>;

/**
 * One change with everything that the contract asks of it, in one unit of work: the replay of a key (L19), the
 * precondition (L20), the change, the answer as it is remembered. The unit holds the log's head before it reads, so
 * that nobody else's change comes between the precondition and the writes.
 * @throws {Refusal} `precondition-required`, `precondition-failed`, `idempotency-key-reused`, `secret-already-shown`,
 * and what the endpoint refuses
 */
export async function performChange(
  broker: StoredBroker,
  endpoint: ChangeEndpoint,
  guard: Guard | undefined,
  call: AnyCall,
  options: ChangeOptions,
): Promise<PerformedChange> {
  requirePrecondition(endpoint, options);
  const { idempotencyKey, dryRun } = options;
  // A dry run asks what would happen now, whatever was done under its key.
  const attempt = idempotencyKey === undefined || dryRun ? undefined : attemptOf(endpoint, call, idempotencyKey);
  return broker.unitOfWork.run(
    call.caller,
    async (work) => {
      const earlier = attempt && (await earlierAnswer(work, attempt));
      if (earlier) return { earlier, answer: await endpoint.reissue?.(work, call) };
      requireUnspent(call);
      await requireMeshThere(work.tx, endpoint, call);
      await checkPrecondition(work.tx, guard, call, options.ifMatch);
      return { answer: await endpoint.change(work, call) };
    },
    async (work, { earlier, answer }) => {
      if (!answer) return replay(endpoint, earlier as RememberedAnswer);
      const performed = await performedAs(work.tx, endpoint, guard, call, answer);
      if (dryRun) throw new RollBack(await dryRunOf(work, endpoint, call, performed));
      if (attempt) await rememberAnswer(work, attempt, withoutSecret(endpoint, performed));
      return performed;
    },
  );
}

function attemptOf({ operationId }: ChangeEndpoint, { caller, params, query, body }: AnyCall, key: string): Attempt {
  const operation = digestOf([operationId, params]);
  return { credential: caller.id, operation, key, digest: digestOf([query, body ?? null]) };
}

/** JSON has no word for an integer that no double holds (S3). */
const exactly = (_name: string, value: unknown) => (typeof value === "bigint" ? { integer: String(value) } : value);

const digestOf = (value: unknown): string =>
  createHash("sha256")
    .update(canonicalize(JSON.parse(JSON.stringify(value, exactly))) as string)
    .digest("hex");

/** L20: of what others may change too, one says what one has read. An action on a resource may. */
function requirePrecondition({ method }: ChangeEndpoint, { ifMatch }: ChangeOptions): void {
  if (method !== "POST" && ifMatch === undefined)
    throw new Refusal("precondition-required", "send If-Match with the ETag that was read, or * for whatever is there");
}

/** A mesh in the path was there when the request came; it may have been deleted while the change waited for its turn. */
async function requireMeshThere(db: Executor, { path }: ChangeEndpoint, { params }: AnyCall): Promise<void> {
  if (path.includes("{meshId}") && !(await isMeshThere(db, (params as { meshId: string }).meshId))) throw notFound();
}

async function checkPrecondition(
  db: Executor,
  guard: Guard | undefined,
  call: AnyCall,
  ifMatch: string | undefined,
): Promise<void> {
  // Of "whatever is there" nothing is to be known, but that it is there; the change itself refuses what is not.
  if (ifMatch === undefined || ifMatch.trim() === "*") return;
  if (!guard || !matches(ifMatch, await currentTag(db, guard, call)))
    throw new Refusal("precondition-failed", whyNot(ifMatch));
}

/** What no read will mend is said: it names nothing that could ever be there. */
const whyNot = (ifMatch: string): string =>
  namesStrongly(ifMatch)
    ? "it is not what If-Match names"
    : "If-Match has no strong entity tag: send the ETag as it was read, with its quotes";

/** The representation as the same caller would read it, without a query. */
async function currentTag(db: Executor, { resource }: Guard, call: AnyCall): Promise<EntityTag> {
  const reading = { params: call.params, query: {}, body: undefined, caller: call.caller, token: call.token };
  const { body } = await resource.read(db, reading, FIRST_PAGE);
  return entityTagOf(body);
}

const FIRST_PAGE = { limit: 1, most: undefined, after: () => undefined, next: () => "" };

async function performedAs(
  db: Executor,
  endpoint: ChangeEndpoint,
  guard: Guard | undefined,
  call: AnyCall,
  { body, location }: ChangeAnswer<unknown>,
): Promise<PerformedChange> {
  const whole = typeof body === "function" ? await (body as (db: Executor) => Promise<unknown>)(db) : body;
  return {
    status: endpoint.creates ? 201 : 200,
    body: whole,
    ...(location === undefined ? {} : { location }),
    ...(guard?.isTarget && endpoint.method !== "DELETE"
      ? { entityTag: await tagAfter(db, endpoint, guard, call, whole) }
      : {}),
  };
}

/** Where a change answers what is read at its path, that is not read again. */
const tagAfter = async (db: Executor, { answer }: ChangeEndpoint, guard: Guard, call: AnyCall, body: unknown) =>
  answer === guard.resource.answer ? entityTagOf(body) : currentTag(db, guard, call);

/** A spent invitation is good for the replay of what it was spent on, and for nothing else. */
function requireUnspent({ caller }: AnyCall): void {
  if (caller.kind === "invitation" && caller.invitation.spentAt !== null)
    throw new Refusal("unauthenticated", "send a valid bearer token");
}

function replay({ shownOnce }: ChangeEndpoint, earlier: RememberedAnswer): PerformedChange {
  const { withheld: id } = earlier.body as { withheld?: string };
  if (!shownOnce || id === undefined) return { ...earlier, replayed: true };
  throw new Refusal("secret-already-shown", `the answer was given once, with the secret of ${id}`, {
    extra: { [shownOnce.of]: id },
  });
}

/** Of an answer with a secret only what it is of is kept (L19). */
function withoutSecret({ shownOnce }: ChangeEndpoint, performed: PerformedChange): RememberedAnswer {
  const body = performed.body as Record<string, unknown>;
  if (!shownOnce?.secrets.some((member) => member in body)) return performed;
  return { ...performed, body: { withheld: body[shownOnce.of] } };
}

/** What the change would answer, without a secret that would never hold, and what it would do to those who poll. */
async function dryRunOf(work: Work, { shownOnce }: ChangeEndpoint, { caller }: AnyCall, performed: PerformedChange) {
  const members = Object.entries(performed.body as object).filter(([name]) => !shownOnce?.secrets.includes(name));
  const scope = caller.kind === "token" ? caller.scope : ({ all: false, meshes: [] } as const);
  const effects: Effects = await effectsOf(work, scope);
  return {
    status: 200,
    body: { dryRun: true, answer: Object.fromEntries(members), ...effects },
  } satisfies PerformedChange;
}
