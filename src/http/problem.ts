import { catalogue, type ErrorCode, type Parameter, Refusal } from "../errors.ts";
import { firstStepOf, pointerStep } from "../json/pointer.ts";
import { asStorageRefusal } from "../store/storage-errors.ts";

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
  readonly message?: string;
  readonly params?: Record<string, unknown>;
  /** Where it is a member's name that is wrong. */
  readonly propertyName?: string;
  readonly parentSchema?: { readonly properties?: object };
}

/** What the framework throws, in the words of the catalogue; everything unknown is `internal`. */
export function asRefusal(error: unknown): Refusal {
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
  if (validation?.[0]) return schemaRefusal(validation[0], validationContext);
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE")
    return new Refusal("body-too-large", "the body is too large", { cause: error });
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE")
    return new Refusal("unsupported-media-type", "the body is not application/json", { cause: error });
  if (code === "FST_ERR_CTP_EMPTY_JSON_BODY") return new Refusal("invalid-json", "the body is empty", { cause: error });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new Refusal("invalid-request", "the request cannot be read", { cause: error });
  return new Refusal("internal", "something went wrong in the broker", { cause: error });
}

function schemaRefusal(
  { instancePath, message = "is not allowed", params = {}, propertyName, parentSchema }: ValidationError,
  context: string,
): Refusal {
  const unknown = params.additionalProperty ?? params.unevaluatedProperty;
  const member = unknown ?? params.missingProperty ?? propertyName;
  const allowed = Array.isArray(params.allowedValues) ? `: ${params.allowedValues.join(", ")}` : "";
  const detail =
    typeof unknown === "string"
      ? unknownName(unknown, Object.keys(parentSchema?.properties ?? {}))
      : `${propertyName === undefined ? "" : "the name "}${message}${allowed}`;
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
