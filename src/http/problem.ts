import { catalogue, type ErrorCode, type Parameter, Refusal } from "../errors.ts";
import { firstStepOf, pointerStep } from "../json/pointer.ts";
import { asStorageRefusal } from "../store/storage-errors.ts";
import { NOT_BLANK } from "./schemas.ts";

/** An RFC 9457 problem document. `code` is stable, `mend` says what to do, `pointer` or `parameter` what is wrong. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly mend: string;
  readonly pointer?: string;
  readonly parameter?: Parameter;
  readonly requestId: string;
  readonly [member: string]: unknown;
}

export const PROBLEM_TYPE = "application/problem+json";

/** The document for a refusal. What a 5xx was caused by is in the log, not here (S56). */
export function problemOf(refusal: Refusal, requestId: string): Problem {
  const { status, title, mend } = catalogue[refusal.code];
  return {
    ...refusal.extra,
    type: `urn:entente:error:${refusal.code}`,
    title,
    status,
    code: refusal.code,
    detail: refusal.message,
    mend,
    ...(refusal.parameter ? { parameter: refusal.parameter } : {}),
    ...(refusal.parameter || refusal.pointer === undefined ? {} : { pointer: refusal.pointer }),
    requestId,
  };
}

interface ValidationError {
  readonly instancePath: string;
  readonly keyword?: string;
  /** Of the keyword. */
  readonly schema?: unknown;
  /** What was sent. */
  readonly data?: unknown;
  readonly message?: string;
  readonly params?: Record<string, unknown>;
  /** Where it is a member's name that is wrong. */
  readonly propertyName?: string;
  readonly parentSchema?: { readonly properties?: object; readonly minimum?: number; readonly maximum?: number };
}

/**
 * What the framework throws, in the words of the catalogue; everything unknown is `internal`.
 * @param bodyLimit how many bytes a body of this request may have
 */
export function asRefusal(error: unknown, bodyLimit: number): Refusal {
  const known = asStorageRefusal(error);
  if (known instanceof Refusal) return known;
  const {
    code,
    validation,
    validationContext = "",
    statusCode,
  } = (error ?? {}) as {
    code?: string;
    validation?: ValidationError[];
    validationContext?: string;
    statusCode?: number;
  };
  if (validation?.[0]) return schemaRefusal(choiceAmong(validation) ?? validation[0], validationContext);
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE")
    return new Refusal("body-too-large", `the body is larger than ${bodyLimit} bytes`, { cause: error });
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE")
    return new Refusal("unsupported-media-type", "the body is not application/json", { cause: error });
  if (code === "FST_ERR_CTP_EMPTY_JSON_BODY") return new Refusal("invalid-json", "the body is empty", { cause: error });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new Refusal("invalid-request", "the request cannot be read", { cause: error });
  return new Refusal("internal", "something went wrong in the broker", { cause: error });
}

/** Of members of which one must be said each missing one is an error of its own; what is wrong is the choice. */
const choiceAmong = (errors: readonly ValidationError[]): ValidationError | undefined =>
  errors.find(({ keyword }) => keyword === "oneOf");

function messageOf({
  message = "is not allowed",
  keyword,
  schema,
  params,
  data,
  parentSchema,
}: ValidationError): string {
  if (keyword === "oneOf") {
    const names = (schema as { readonly required?: readonly string[] }[]).flatMap(({ required = [] }) => required);
    return `exactly one of ${names.join(", ")} is to be said`;
  }
  if (keyword === "pattern" && schema === NOT_BLANK) return "the text is blank";
  if (typeof data === "bigint" && params?.type === "integer") return noInteger(data, parentSchema);
  return message;
}

/** S3: the parser keeps as `bigint` what a double would alter, and the validator what was not written as an integer. */
function noInteger(sent: bigint, { minimum, maximum }: ValidationError["parentSchema"] = {}): string {
  if (Number.isSafeInteger(Number(sent)))
    return "must be an integer that is written without sign, fraction and exponent";
  if (sent < 0n) return `the integer is too small: at least ${minimum ?? 0}`;
  return `the integer is too large: at most ${maximum ?? Number.MAX_SAFE_INTEGER}`;
}

function schemaRefusal(error: ValidationError, context: string): Refusal {
  const { instancePath, params = {}, propertyName, parentSchema } = error;
  const unknown = params.additionalProperty ?? params.unevaluatedProperty;
  const member = unknown ?? params.missingProperty ?? propertyName;
  const allowed = Array.isArray(params.allowedValues) ? `: ${params.allowedValues.join(", ")}` : "";
  const detail =
    typeof unknown === "string"
      ? unknownName(unknown, Object.keys(parentSchema?.properties ?? {}))
      : `${propertyName === undefined ? "" : "the name "}${messageOf(error)}${allowed}`;
  const pointer = instancePath + (typeof member === "string" ? pointerStep(member) : "");
  return inParameter(new Refusal("invalid-request", detail, { pointer }), PLACES[context]);
}

const unknownName = (name: string, known: readonly string[]): string =>
  `${JSON.stringify(name.slice(0, 64))} is none of ${known.length === 0 ? "what is taken here: nothing is" : known.join(", ")}`;

const PLACES: Readonly<Record<string, Parameter["in"]>> = { params: "path", querystring: "query", headers: "header" };

/** The same refusal, said of a parameter of this kind, where one is meant. */
export function inParameter(refusal: Refusal, place: Parameter["in"] | undefined): Refusal {
  const { code, message, pointer, parameter, extra, cause } = refusal;
  if (place === undefined || !pointer || parameter) return refusal;
  return new Refusal(code, message, { parameter: { in: place, name: firstStepOf(pointer) }, extra, cause });
}
