import type { ErrorCode } from "../errors.ts";
import { permits } from "../features/access/role.ts";
import type { ChangeEndpoint, Endpoint } from "./endpoint.ts";

/** What comes before the operation, or from below it. */
const FOR_ALL = [
  "malformed-request",
  "request-timeout",
  "expectation-failed",
  "misdirected-request",
  "headers-too-large",
  "not-ready",
  "internal",
] as const;
const FOR_KNOWN = [
  "unauthenticated",
  "forbidden",
  "too-many-requests",
  "invalid-request",
  "overloaded",
  "storage-unavailable",
] as const;
const FOR_BODIES = [
  "invalid-json",
  "duplicate-member",
  "too-complex",
  "body-too-large",
  "unsupported-media-type",
] as const;
const FOR_CHANGES = ["precondition-failed"] as const;
/** What a mesh's own people change. */
const FOR_MESHES = ["mesh-suspended"] as const;
const FOR_KEYS = ["idempotency-key-reused", "idempotency-key-in-use"] as const;

/** Every code that an operation can answer with: its own, and those that the contract gives to all of its kind. */
export function codesOf(endpoint: Endpoint): ReadonlySet<ErrorCode> {
  if (endpoint.permission === "anybody") return new Set([...FOR_ALL, ...endpoint.refusals]);
  if (endpoint.method === "GET") return new Set([...FOR_ALL, ...FOR_KNOWN, ...endpoint.refusals]);
  return new Set<ErrorCode>([
    ...FOR_ALL,
    ...FOR_KNOWN,
    ...(endpoint.body ? FOR_BODIES : []),
    ...endpoint.refusals,
    ...FOR_CHANGES,
    ...(permits("mesh-admin", endpoint.permission) ? FOR_MESHES : []),
    ...keyCodes(endpoint),
  ]);
}

function keyCodes({ method, shownOnce }: ChangeEndpoint): readonly ErrorCode[] {
  if (method !== "POST") return ["precondition-required"];
  return shownOnce ? [...FOR_KEYS, "secret-already-shown"] : FOR_KEYS;
}
