import { Refusal } from "../errors.ts";

interface Range {
  readonly type: string;
  readonly weight: number;
}

/**
 * The one of `offered` that an `Accept` header prefers (RFC 9110, 12.5.1): the first of several that weigh the same, and
 * without the header.
 * @throws {Refusal} `not-acceptable`
 */
export function preferredType(accept: string | undefined, offered: readonly [string, ...string[]]): string {
  if (accept === undefined || accept.trim() === "") return offered[0];
  const ranges = accept.split(",").map(rangeOf);
  const weights = offered.map((type) => weightOf(type, ranges));
  const most = Math.max(...weights);
  const preferred = offered[weights.indexOf(most)];
  if (most > 0 && preferred !== undefined) return preferred;
  throw new Refusal("not-acceptable", `what is offered is ${offered.join(", ")}`, { extra: { offered } });
}

function rangeOf(text: string): Range {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
  return { type, weight: weight === undefined ? 1 : weightFrom(weight) };
}

/** What is no weight is none. */
const weightFrom = (text: string): number => (/^[01](?:\.\d{0,3})?$/.test(text) ? Math.min(1, Number(text)) : 0);

/** The most exact range that a type is in says how much it weighs. */
function weightOf(type: string, ranges: readonly Range[]): number {
  const [kind = ""] = type.split("/");
  for (const exactness of [type, `${kind}/*`, "*/*"]) {
    const found = ranges.find((range) => range.type === exactness);
    if (found) return found.weight;
  }
  return 0;
}
