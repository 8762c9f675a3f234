import Type, { type TObject, type TSchema } from "typebox";
import type { ErrorCode } from "../errors.ts";
import { permits } from "../features/access/role.ts";
import { liftComponents } from "./components.ts";
import type { ChangeEndpoint, Endpoint } from "./endpoint.ts";
import { refusals as refusalResponses, strictObject } from "./schemas.ts";

type Components = Map<string, Record<string, unknown>>;

const NO_QUERY = strictObject({});

const dryRunMember = {
  dryRun: Type.Boolean({
    default: false,
    description: "Answer what would happen, a `DryRun`, and change nothing.",
  }),
};

/** What a change answers to `?dryRun=true`. */
const dryRunAnswer = strictObject(
  {
    dryRun: Type.Literal(true),
    answer: Type.Unknown({ description: "What the change would answer, without a secret." }),
    revisions: Type.Array(
      strictObject({
        trustDomain: Type.String(),
        added: Type.Array(Type.String({ description: "Fingerprint of an authority that would be published." })),
        removed: Type.Array(Type.String({ description: "Fingerprint of one that would no longer be." })),
        consumers: Type.Array(
          Type.String({ description: "Mesh that would be served it, as far as the caller may know." }),
        ),
      }),
      { description: "The revisions that it would make." },
    ),
    access: Type.Array(
      strictObject({
        meshId: Type.String(),
        trustDomain: Type.String(),
        change: Type.String({ description: "granted, regranted, changed, distrust-changed, withdrawn or removed." }),
      }),
      { description: "Who would gain or lose a bundle." },
    ),
  },
  { $id: "DryRun", description: "What a change would do." },
);

/** The query of an operation, with what the contract gives to all of its kind. */
function queryOf(endpoint: Endpoint): TObject {
  const own = endpoint.query ?? NO_QUERY;
  return endpoint.method === "GET" ? own : strictObject({ ...own.properties, ...dryRunMember });
}

const header = (description: string) => Type.String({ maxLength: 1_024, description });

function headersOf(endpoint: Endpoint): TObject {
  if (endpoint.method === "GET")
    return Type.Object({ "if-none-match": Type.Optional(header("ETag that was read: 304 where it still holds.")) });
  const ifMatch = header(
    "ETag that was read, or * for whatever is there: 412 where it does not hold. " +
      (endpoint.method === "POST" ? "Held against the resource that the action is of." : "428 without it."),
  );
  const guarded = { "if-match": Type.Optional(ifMatch) };
  if (endpoint.method !== "POST") return Type.Object(guarded);
  return Type.Object({
    ...guarded,
    "idempotency-key": Type.Optional(
      Type.String({
        pattern: "^[!-~]{1,128}$",
        description: "Sent again with the same request within 24 hours, it is answered what the first was, once done.",
      }),
    ),
  });
}

/** An operation in the framework's form: validation, and the contract. */
export function schemaOf(endpoint: Endpoint, components: Components): Record<string, unknown> {
  const lift = (schema: TSchema) => liftComponents(schema, components);
  const known = endpoint.permission !== "anybody";
  return {
    operationId: endpoint.operationId,
    summary: endpoint.summary,
    description: endpoint.description ?? `${endpoint.summary}.`,
    tags: [endpoint.tag],
    ...(known ? {} : { security: [] }),
    ...(endpoint.params ? { params: endpoint.params } : {}),
    // Probes add what they like to the health paths; anywhere else an unknown parameter is a mistake worth telling.
    ...(known ? { querystring: queryOf(endpoint), headers: headersOf(endpoint) } : {}),
    ...("body" in endpoint && endpoint.body ? { body: lift(endpoint.body) } : {}),
    response: answersOf(endpoint, lift),
  };
}

function answersOf(endpoint: Endpoint, lift: (schema: TSchema) => Record<string, unknown>): Record<number, object> {
  const answered = lift(endpoint.answer);
  if (endpoint.method === "GET") {
    const { produces, stream } = endpoint;
    const lines = Object.fromEntries((stream?.types ?? []).map((type) => [type, { schema: Type.String() }]));
    const content = { [produces ?? "application/json"]: { schema: answered }, ...lines };
    const produced = produces || stream ? { content } : answered;
    return { 200: { description: "Done.", ...produced } };
  }
  const dry = { description: "What would happen (`?dryRun=true`).", ...lift(dryRunAnswer) };
  if (endpoint.creates) return { 200: dry, 201: { description: "Made.", ...answered } };
  return {
    200: { description: "Done; or what would happen (`?dryRun=true`).", anyOf: [answered, lift(dryRunAnswer)] },
  };
}

const FOR_KNOWN = [
  "unauthenticated",
  "forbidden",
  "too-many-requests",
  "invalid-request",
  "misdirected-request",
  "headers-too-large",
  "overloaded",
] as const;
const FOR_BODIES = [
  "invalid-json",
  "duplicate-member",
  "too-complex",
  "body-too-large",
  "unsupported-media-type",
] as const;
const FOR_CHANGES = ["precondition-failed", "storage-unavailable"] as const;
/** What a mesh's own people change. */
const FOR_MESHES = ["mesh-suspended"] as const;
const FOR_KEYS = ["idempotency-key-reused", "idempotency-key-in-use"] as const;

/** Every code that an operation can answer with: its own, and those that the contract gives to all of its kind. */
export function codesOf(endpoint: Endpoint): ReadonlySet<ErrorCode> {
  if (endpoint.permission === "anybody") return new Set(endpoint.refusals);
  if (endpoint.method === "GET") return new Set([...FOR_KNOWN, ...endpoint.refusals]);
  return new Set<ErrorCode>([
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

/** The error responses of an operation, for the contract. */
export const refusalsOf = (endpoint: Endpoint): ReturnType<typeof refusalResponses> =>
  refusalResponses(...codesOf(endpoint));
