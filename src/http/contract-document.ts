import { catalogue, type ErrorCode, Refusal } from "../errors.ts";
import { answerHeaders } from "./answer-headers.ts";
import { problemOf } from "./problem.ts";
import { mayLackBody } from "./request-body.ts";

type Json = Record<string, unknown>;

/** How an operation was really called once, and what it answered. */
export interface OperationExample {
  /** Of the path and of the query. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly status: number;
  readonly answer: unknown;
  /** What it answered just before to the same with `?dryRun=true`. */
  readonly dryRun?: unknown;
  /** The answer in the other forms that it has, by their media types. */
  readonly streamed?: Readonly<Record<string, string>>;
}

/** By `operationId`. */
export type OperationExamples = Readonly<Record<string, OperationExample>>;

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: Json;
  required?: boolean;
  example?: unknown;
}

export interface MediaType {
  schema: Json;
  example?: unknown;
  examples?: Record<string, { $ref: string } | { value: unknown }>;
}

interface ContractResponse {
  readonly content?: Record<string, MediaType>;
  /** Once the contract is finished, references to components. */
  headers?: Record<string, { $ref: string }>;
}

export interface ContractOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: Parameter[];
  readonly requestBody?: { required?: boolean; readonly content: Record<string, MediaType> };
  readonly responses: Record<string, ContractResponse>;
}

/** The part of an OpenAPI document that is worked on here. */
export interface ContractDocument {
  servers: { url: string; description: string }[];
  readonly paths: Record<string, Record<string, ContractOperation>>;
  readonly components: {
    readonly schemas: Record<string, Json>;
    examples?: Record<string, { value: unknown }>;
    headers?: Record<string, Json>;
  };
}

/** Finishes what the framework makes of the routes: what readers and generators of clients need beside it. */
export function finishContract(document: ContractDocument, examples: OperationExamples): ContractDocument {
  typeEnums(document);
  for (const path of Object.values(document.paths)) {
    const { requestBody } = path.post ?? {};
    if (requestBody) requestBody.required = !mayLackBody("POST", bodySchema(document, requestBody.content));
  }
  for (const operation of operationsOf(document)) {
    for (const parameter of operation.parameters ?? []) if ("default" in parameter.schema) parameter.required = false;
    const example = examples[operation.operationId];
    if (example) showExample(operation, example);
    for (const response of Object.values(operation.responses)) referToHeaders(response);
  }
  document.components.examples = problemExamples();
  document.components.headers = Object.fromEntries(
    Object.entries(answerHeaders).map(([name, description]) => [name, { description, schema: { type: "string" } }]),
  );
  return document;
}

export const operationsOf = ({ paths }: ContractDocument): ContractOperation[] =>
  Object.values(paths).flatMap((path) => Object.values(path));

function bodySchema({ components }: ContractDocument, content: Record<string, MediaType>): Json {
  const { schema = {} } = Object.values(content)[0] ?? {};
  return components.schemas[String(schema.$ref).replace("#/components/schemas/", "")] ?? schema;
}

/** A list of texts to choose from is a text: some generators want to be told. */
function typeEnums(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const { enum: choices, type } = value as Json;
  if (type === undefined && Array.isArray(choices) && choices.every((choice) => typeof choice === "string"))
    (value as Json).type = "string";
  for (const member of Object.values(value)) typeEnums(member);
}

function showExample({ parameters = [], requestBody, responses }: ContractOperation, example: OperationExample): void {
  for (const parameter of parameters) {
    const given = parameter.in === "header" ? undefined : example.parameters?.[parameter.name];
    if (given !== undefined) parameter.example = given;
  }
  for (const media of Object.values(requestBody?.content ?? {})) media.example = example.body;
  const { status, answer, dryRun, streamed } = example;
  for (const [type, media] of Object.entries(responses[status]?.content ?? {}))
    media.example = streamed?.[type] ?? answer;
  if (dryRun === undefined) return;
  for (const media of Object.values(responses[200]?.content ?? {})) {
    if (status !== 200) media.example = dryRun;
    else showEach(media, { done: answer, dryRun });
  }
}

/** A media type has one example, or several with a name each. */
function showEach(media: MediaType, shown: Readonly<Record<string, unknown>>): void {
  delete media.example;
  media.examples = Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, { value }]));
}

function referToHeaders(response: ContractResponse): void {
  const names = Object.keys(response.headers ?? {});
  if (names.length === 0) delete response.headers;
  else response.headers = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** One problem document of each code. `detail` says no more than the title: what it says depends on the request. */
function problemExamples(): Record<string, { value: unknown }> {
  const shown = (code: ErrorCode) => problemOf(new Refusal(code, catalogue[code].title), "req_4Kq0vX1cR8mTzYwB2nLd7s");
  const codes = Object.keys(catalogue) as ErrorCode[];
  return Object.fromEntries(codes.sort().map((code) => [code, { value: shown(code) }]));
}
