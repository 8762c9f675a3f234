import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, it } from "vitest";
import { contract } from "../scripts/docs/contract.ts";
import { missingExamples } from "../scripts/docs/examples/record.ts";
import { endpointsOf } from "../src/app.ts";
import { catalogue, type ErrorCode } from "../src/errors.ts";
import type { Broker } from "../src/features/broker.ts";
import { type ContractOperation, type MediaType, operationsOf } from "../src/http/contract-document.ts";
import { codesOf } from "../src/http/operation-codes.ts";

const { document, examples } = await contract();
const operations = operationsOf(document).map((operation) => [operation.operationId, operation] as const);
const endpoints = endpointsOf({
  broker: {} as Broker,
  health: { unreadiness: async () => [], metrics: async () => "" },
});

const ajv = new Ajv2020({ strict: false });
(addFormats as unknown as (ajv: Ajv2020, formats: string[]) => void)(ajv, ["date-time"]);
ajv.addSchema({ $id: "contract", components: document.components });

/** What is wrong with a value by a schema of the contract; none when it fits. */
function faults(schema: unknown, value: unknown): readonly unknown[] {
  const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"contract#/components'));
  const validate = ajv.compile(absolute);
  return validate(value) ? [] : (validate.errors ?? []);
}

const mediaOf = ({ responses }: ContractOperation): [status: string, media: MediaType][] =>
  Object.entries(responses).flatMap(([status, { content }]) =>
    Object.values(content ?? {}).map((media) => [status, media] as [string, MediaType]),
  );

/** The examples that are written out. */
const valuesOf = ({ example, examples = {} }: MediaType): unknown[] => [
  ...(example === undefined ? [] : [example]),
  ...Object.values(examples).flatMap((each) => ("value" in each ? [each.value] : [])),
];

describe("the contract shows how each operation is called and what it answers", () => {
  it.each(operations)("%s", (operationId, operation) => {
    const { parameters = [], requestBody } = operation;
    const asked = parameters.filter((each) => each.in === "path");
    for (const parameter of asked) expect(parameter, parameter.name).toHaveProperty("example");
    for (const { name, schema, example } of parameters)
      if (example !== undefined) expect([name, faults(schema, example)]).toEqual([name, []]);
    for (const { schema, example } of Object.values(requestBody?.content ?? {})) {
      expect(example).toBeDefined();
      expect(faults(schema, example)).toEqual([]);
    }
    const shown = mediaOf(operation).filter(([status]) => status.startsWith("2"));
    expect(shown.map(([status]) => status)).toContain(String(examples[operationId]?.status));
    for (const [, media] of shown) {
      expect(valuesOf(media)).not.toEqual([]);
      for (const value of valuesOf(media)) expect(faults(media.schema, value)).toEqual([]);
    }
  });

  it("and an example of each body of each answer, refusals and what is not ready among them", () => {
    const bare = operations.flatMap(([operationId, operation]) =>
      mediaOf(operation)
        .filter(([, { example, examples = {} }]) => example === undefined && Object.keys(examples).length === 0)
        .map(([status]) => `${operationId} ${status}`),
    );
    expect(bare).toEqual([]);
    const [, readyz] = operations.find(([name]) => name === "readyz") ?? [];
    const { schema, example } = readyz?.responses["503"]?.content?.["application/json"] ?? {};
    expect([example, faults(schema, example)]).toEqual([
      { status: "not-ready", reasons: ["database-not-writable"] },
      [],
    ]);
  });

  it("and what a change would do, of each change", () => {
    const changes = endpoints.filter(({ method }) => method !== "GET").map(({ operationId }) => operationId);
    const dry = { $ref: "#/components/schemas/DryRun" };
    const without = operations
      .filter(([operationId]) => changes.includes(operationId))
      .filter(([, { responses }]) =>
        Object.values(responses["200"]?.content ?? {}).every((media) =>
          valuesOf(media).every((value) => faults(dry, value).length > 0),
        ),
      );
    expect(without.map(([operationId]) => operationId)).toEqual([]);
  });

  it("and an operation that the story leaves out is named", () => {
    expect(missingExamples(endpoints, examples)).toEqual([]);
    const { livez, readMesh, ...rest } = examples;
    expect([livez, readMesh].every(Boolean)).toBe(true);
    expect(missingExamples(endpoints, rest)).toEqual(["readMesh", "livez"]);
  });

  it("and an example that does not fit would be found", () => {
    const fed = { $ref: "#/components/schemas/NewFederation" };
    expect(faults(fed, { proposer: "shop", peer: "bank" })).toEqual([]);
    expect(faults(fed, { proposer: "shop", peer: "bank", mesh: "bank" })).toHaveLength(1);
    expect(faults(fed, { peer: "bank" })).toHaveLength(1);
  });

  it("and no example holds what could be a secret of a broker (S24, S32)", () => {
    const text = JSON.stringify(document);
    const found = text.match(/ent_[a-z]+_\w+/g) ?? [];
    expect(found.length).toBeGreaterThan(3);
    expect(found.filter((secret) => !/^ent_[a-z]+_EXAMPLE$/.test(secret))).toEqual([]);
    const urls = text.match(/https:\/\/[\w.:]+\/p\/[\w-]+/g) ?? [];
    expect(urls.length).toBeGreaterThan(3);
    expect(urls.filter((url) => !url.endsWith("/p/EXAMPLE"))).toEqual([]);
    expect(text).not.toContain("PRIVATE KEY");
  });
});

describe("the contract shows each error that an operation can give", () => {
  it.each(endpoints.map((endpoint) => [endpoint.operationId, endpoint] as const))("%s", (operationId, endpoint) => {
    const [, operation] = operations.find(([name]) => name === operationId) ?? [];
    const shown = mediaOf(operation as ContractOperation).flatMap(([status, { examples: refs = {} }]) =>
      Object.entries(refs).flatMap(([code, ref]) => ("$ref" in ref ? [{ status, code, $ref: ref.$ref }] : [])),
    );
    expect(shown.map(({ code }) => code).sort()).toEqual([...codesOf(endpoint)].sort());
    for (const { status, code, $ref } of shown) {
      expect($ref).toBe(`#/components/examples/${code}`);
      const { value } = document.components.examples?.[code] ?? {};
      expect(value).toMatchObject({ code, status: catalogue[code as ErrorCode].status });
      expect(String(catalogue[code as ErrorCode].status)).toBe(status);
      expect(faults({ $ref: "#/components/schemas/Problem" }, value)).toEqual([]);
    }
  });
});

it("the contract shows each error of the catalogue, also those that no operation of the admin API gives", () => {
  expect(Object.keys(document.components.examples ?? {})).toEqual(Object.keys(catalogue).sort());
});

describe("the contract is one that generators understand", () => {
  it("a choice of texts says that it is a text", () => {
    const untyped: unknown[] = [];
    const look = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      if ("enum" in value && Array.isArray(value.enum) && !("type" in value)) untyped.push(value.enum);
      for (const member of Object.values(value)) look(member);
    };
    look(document);
    expect(untyped).toEqual([]);
  });

  it("nobody has to send a parameter that has a default", () => {
    const withDefault = operations.flatMap(([, { parameters = [] }]) =>
      parameters.filter(({ schema }) => "default" in schema),
    );
    expect(withDefault.length).toBeGreaterThan(20);
    expect(withDefault.filter(({ required }) => required)).toEqual([]);
  });
});
