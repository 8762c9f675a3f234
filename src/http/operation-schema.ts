import Type, { type TObject, type TSchema } from "typebox";
import { answerHeadersOf } from "./answer-headers.ts";
import { liftComponents } from "./components.ts";
import type { Endpoint } from "./endpoint.ts";
import { codesOf } from "./operation-codes.ts";
import type { Guard } from "./perform-change.ts";
import { refusals as refusalResponses, strictObject } from "./schemas.ts";

interface Described {
  readonly description: string;
  readonly content?: Readonly<Record<string, object>>;
}

/** What an operation answers where it is not refused, by status. */
export type Answers = Readonly<Record<number, Described>>;

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
    answer: Type.Unknown({
      description:
        "What the change would answer, without a secret. The ID of what it would make is another when it is made.",
    }),
    revisions: Type.Array(
      strictObject({
        trustDomain: Type.String(),
        refreshHintSeconds: Type.Integer({
          description: "Of the new revision, also where no authority comes or goes.",
        }),
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

function headersOf(endpoint: Endpoint, guard: Guard | undefined): TObject {
  if (endpoint.method === "GET")
    return Type.Object({ "if-none-match": Type.Optional(header("ETag that was read: 304 where it still holds.")) });
  const ifMatch = header(
    `ETag that was read, or * for whatever is there: 412 where it does not hold. ${heldAgainst(endpoint, guard)}`,
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

function heldAgainst({ method }: Endpoint, guard: Guard | undefined): string {
  if (method !== "POST") return "428 without it.";
  return guard === undefined
    ? "What is made here is part of nothing that has an ETag: only * holds."
    : `Held against what is read at ${guard.resource.path}.`;
}

/** An operation in the framework's form: validation, and the contract. */
export function schemaOf(
  endpoint: Endpoint,
  guard: Guard | undefined,
  components: Components,
): Record<string, unknown> {
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
    ...(known ? { querystring: queryOf(endpoint), headers: headersOf(endpoint, guard) } : {}),
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
    return {
      200: { description: "Done.", ...produced },
      ...(endpoint.permission === "anybody"
        ? {}
        : { 304: { description: "It is what If-None-Match names.", type: "null" } }),
      ...(endpoint.unready
        ? {
            503: {
              description: "Not ready",
              content: { "application/json": { schema: answered, example: endpoint.unready } },
            },
          }
        : {}),
    };
  }
  const dry = { description: "What would happen (`?dryRun=true`).", ...lift(dryRunAnswer) };
  if (endpoint.creates) return { 200: dry, 201: { description: "Made.", ...answered } };
  return {
    200: { description: "Done; or what would happen (`?dryRun=true`).", anyOf: [answered, lift(dryRunAnswer)] },
  };
}

/** A response in the form of one or the other. */
const either = (one: Described, other: Described): Described => ({
  description: `${one.description}, ${other.description}`,
  content: { ...one.content, ...other.content },
});

/** All responses of an operation, for the contract: with its errors, and the headers of each. */
export function responsesOf(endpoint: Endpoint, answers: Answers): Record<string, object> {
  const codes = codesOf(endpoint);
  const refused = refusalResponses(...codes);
  const unready = answers[503];
  const responses = {
    ...answers,
    ...refused,
    ...(unready && refused[503] ? { 503: either(unready, refused[503]) } : {}),
  };
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const headers = answerHeadersOf(endpoint, Number(status), codes);
      return [status, { ...response, headers: Object.fromEntries(headers.map((name) => [name, {}])) }];
    }),
  );
}
