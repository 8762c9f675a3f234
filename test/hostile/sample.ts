import { choices, type Schema } from "./contract.ts";

/** A step from an object or an array into one of its members. */
export type Path = readonly (string | number)[];

/** A member of a request body: where it stands in the sample, and what it must be. */
export interface Member {
  readonly path: Path;
  readonly schema: Schema;
  /** The object that it is a member of must have it. */
  readonly required: boolean;
}

/** What a member must be called to be a thing that is there; all else is named anew. */
const THERE: Readonly<Record<string, string>> = {
  meshId: "shop",
  proposer: "shop",
  consumer: "shop",
  peer: "bank",
  provider: "bank",
  meshes: "shop",
  role: "mesh-viewer",
};

let made = 0;

/** Something that fits the schema, with every member that may be there; new names differ from one another. */
function sampleOf(schema: Schema, name = ""): unknown {
  const [first = {}] = choices(schema);
  const known = THERE[name];
  if (known !== undefined && first.type !== "array") return known;
  if (first.enum) return first.enum[0];
  if (first.const !== undefined) return first.const;
  if (first.format === "date-time") return "2040-01-01T00:00:00Z";
  if (first.pattern !== undefined) return "0".repeat(64);
  switch (first.type) {
    case "object":
      return objectOf(first);
    case "array":
      return Array.from({ length: Math.max(1, first.minItems ?? 0) }, () =>
        oneOf(first.items ?? {}, sampleOf(first.items ?? {}, name)),
      );
    case "integer":
    case "number":
      return first.minimum ?? 1;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      made += 1;
      return String(first.examples?.[0] ?? "sample").replace(/^\w+/, `x${made}`);
  }
}

function objectOf({ properties = {}, additionalProperties }: Schema): Record<string, unknown> {
  const named = Object.entries(properties).map(([name, schema]) => [name, sampleOf(schema, name)]);
  if (typeof additionalProperties === "object") named.push(["a-label", sampleOf(additionalProperties)]);
  return Object.fromEntries(named);
}

/** Without the members of all but the first alternative, where it takes exactly one. */
function oneOf(schema: Schema, sample: unknown): unknown {
  const [, ...others] = choices(schema).flatMap(({ oneOf: alternatives = [] }) => alternatives);
  const excluded = others.flatMap(({ required = [] }) => required);
  if (excluded.length === 0 || typeof sample !== "object" || sample === null) return sample;
  return Object.fromEntries(Object.entries(sample).filter(([name]) => !excluded.includes(name)));
}

/** The samples of a request body: one, or one for each of the members of which it takes exactly one. */
export function bodiesOf(schema: Schema): readonly Record<string, unknown>[] {
  return choices(schema).flatMap((choice) => {
    const whole = sampleOf(choice) as Record<string, unknown>;
    const exclusive = (choice.oneOf ?? []).flatMap(({ required = [] }) => required);
    if (exclusive.length === 0) return [whole];
    const rest = Object.entries(whole).filter(([name]) => !exclusive.includes(name));
    return exclusive.map((name) => ({ ...Object.fromEntries(rest), [name]: whole[name] }));
  });
}

/** Every member of the sample, the members of its members included. */
export function* membersOf(schema: Schema, sample: unknown, path: Path = []): Generator<Member> {
  for (const choice of choices(schema)) {
    if (choice.type === "object" && typeof sample === "object" && sample !== null) {
      for (const [name, value] of Object.entries(sample)) {
        const { additionalProperties } = choice;
        const member = choice.properties?.[name] ?? (typeof additionalProperties === "object" && additionalProperties);
        if (!member) continue;
        yield { path: [...path, name], schema: member, required: choice.required?.includes(name) ?? false };
        yield* membersOf(member, value, [...path, name]);
      }
    }
    if (choice.type === "array" && Array.isArray(sample) && choice.items) {
      yield { path: [...path, 0], schema: choice.items, required: false };
      yield* membersOf(choice.items, sample[0], [...path, 0]);
    }
  }
}

export const pointerOf = (path: Path): string =>
  path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

/** A copy of the sample with another value at the path; `undefined` takes the member away. */
export function replaced(sample: unknown, [step, ...rest]: Path, value: unknown): unknown {
  if (step === undefined) return value;
  if (Array.isArray(sample)) return sample.with(Number(step), replaced(sample[Number(step)], rest, value));
  return { ...(sample as object), [step]: replaced((sample as Record<string, unknown>)[step], rest, value) };
}
