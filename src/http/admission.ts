import type { FastifyRequest } from "fastify";
import "./request-context.ts";
import { type ErrorCode, overloaded, Refusal } from "../errors.ts";
import { authenticate } from "../features/access/authentication.service.ts";
import { type Caller, notFound } from "../features/access/caller.ts";
import { permits, reaches } from "../features/access/role.ts";
import type { StoredBroker } from "../features/broker.ts";
import { isMeshId } from "../features/meshes/mesh-id.ts";
import { isMeshThere } from "../features/meshes/mesh-lookup.service.ts";
import type { Executor } from "../store/tables.ts";
import type { AdminLimits, RateDecision, Throttle } from "./admin-limits.ts";
import type { Endpoint } from "./endpoint.ts";

export interface AdmissionParts {
  readonly broker: StoredBroker;
  readonly throttle: Throttle;
  /** Told of each request with a valid credential, and of the address that it came from. */
  readonly onAuthenticated: (caller: Caller, source: string) => void;
  /** How late the event loop is, in milliseconds. */
  readonly loopDelayMs: () => number;
  readonly limits: AdminLimits;
}

/**
 * Who asks, whether they may, and whether they have asked too often: before the body is read (S4).
 * @throws {Refusal} `unauthenticated`, `forbidden`, `not-found`, `too-many-requests`, `overloaded` (L18)
 */
export async function admit(
  request: FastifyRequest,
  { permission, path }: Endpoint,
  { broker, throttle, onAuthenticated, loopDelayMs, limits }: AdmissionParts,
): Promise<void> {
  if (permission === "anybody") return;
  if (loopDelayMs() > limits.loopDelayMs) throw overloaded("the broker has more to do than it can");
  const origin = { source: request.ip, requestId: request.id };
  const { authorization } = request.headers;
  // A registration under a key may be the replay of the one that an invitation was spent on (L19).
  const replaying = permission === "mesh:register" && request.headers["idempotency-key"] !== undefined;
  const caller = await throttle.inTurn(origin.source, authorization, async () => {
    const logins = throttle.beforeLogin(origin.source, authorization);
    requireRate(request, logins, "too many refused credentials from this address");
    try {
      const known = await authenticate(broker.db, authorization, origin, broker.clock(), replaying);
      throttle.succeededLogin(authorization);
      return known;
    } catch (error) {
      holdAgainst(request, error, throttle);
      throw error;
    }
  });
  request.caller = caller;
  request.rate = throttle.request(caller);
  requireRate(request, request.rate, "too many requests with this credential");
  onAuthenticated(caller, origin.source);
  if (!permits(caller.role, permission)) {
    throw new Refusal("forbidden", `${aRole(caller)} may not do this: it takes ${permission}`);
  }
  if (path.includes("{meshId}"))
    await requireMeshInReach(broker.db, caller, (request.params as { meshId: string }).meshId);
}

/** Of the rate that held it up a request that is refused says more than when to come again. */
function requireRate(request: FastifyRequest, rate: RateDecision, detail: string): void {
  if (rate.mayPass) return;
  request.rate = rate;
  const { retryAfterSeconds } = rate;
  throw new Refusal("too-many-requests", detail, { extra: { retryAfterSeconds } });
}

/** Secrets that did not hold: whoever guesses them is slowed down, wherever they are sent (S28). */
const GUESSES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["unauthenticated", "federation-code-invalid"]);

/** Counts a refused secret against the address that it came from, and nothing else. */
export function holdAgainst({ ip, headers }: FastifyRequest, error: unknown, throttle: Throttle): void {
  if (error instanceof Refusal && GUESSES.has(error.code)) throttle.failedLogin(ip, headers.authorization);
}

const aRole = ({ role }: Caller): string => (/^[aeio]/.test(role) ? `an ${role}` : `a ${role}`);

/**
 * What is not in the caller's scope, has not even the form of a mesh ID, or is gone, is absent (S16): so no operation on
 * what a mesh has needs to ask whether there is such a mesh.
 */
async function requireMeshInReach(db: Executor, caller: Caller, meshId: string): Promise<void> {
  const mayBeThere = caller.kind === "token" && isMeshId(meshId) && reaches(caller.scope, meshId);
  if (!mayBeThere || !(await isMeshThere(db, meshId))) throw notFound();
}
