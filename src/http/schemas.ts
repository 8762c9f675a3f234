import Type, { type TProperties, type TSchema } from "typebox";
import { catalogue, type ErrorCode } from "../errors.ts";

/** An object with these members and no others. */
export const strictObject = <P extends TProperties>(
  properties: P,
  options: { $id?: string; description?: string } = {},
) => Type.Object(properties, { additionalProperties: false, ...options });

/** The answer of what has nothing more to say. */
export const nothing = strictObject({}, { description: "Done." });

export const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const time = (description: string) => Type.String({ format: "date-time", description });

export const meshId = Type.String({ maxLength: 200, description: "Mesh ID: an RFC 1123 label.", examples: ["shop"] });
export const trustDomain = Type.String({
  maxLength: 300,
  description: "SPIFFE trust domain name.",
  examples: ["shop.example"],
});
export const text = (description: string) => Type.String({ maxLength: 1_024, description });
export const NOT_BLANK = "\\S";
/** What must be said: more than white space. */
export const saidText = (description: string) => Type.String({ maxLength: 1_024, pattern: NOT_BLANK, description });
/** Given with one's word on a federation: addressed to the other side, a part of the agreement's record (docs/decisions/0014). */
export const reasonForBothSides = Type.Optional(
  text("Why; both sides of the federation read it, in the federation itself."),
);
/** Given with any other act (docs/decisions/0014). */
export const ownReason = Type.Optional(
  text("Why, for the audit trail of one's own side; the other side of a federation does not read it."),
);

/** How a list is read: `limit` items a page, after `cursor`. */
export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: "Items a page." }),
  cursor: Type.Optional(Type.String({ maxLength: 512, description: "`next` of the page before." })),
};
export const next = Type.Optional(Type.String({ description: "Cursor of the next page; absent on the last." }));

/** What an answer tells of what was taken all the same. */
export const warnings = Type.Array(
  strictObject({
    code: Type.String(),
    message: Type.String(),
    pointer: Type.String({ description: "RFC 6901 JSON pointer into the body." }),
    block: Type.Optional(Type.Integer({ description: "Of a PEM text, which block, from 1." })),
  }),
);

export const problem = Type.Object(
  {
    type: Type.String({ description: "`urn:entente:error:<code>`" }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: "Stable; see docs/errors.md." }),
    detail: Type.String(),
    mend: Type.String({ description: "What to do about it." }),
    pointer: Type.Optional(Type.String({ description: "RFC 6901 JSON pointer to the wrong member of the body." })),
    parameter: Type.Optional(
      strictObject(
        { in: Type.Enum(["path", "query", "header"]), name: Type.String() },
        { description: "The wrong parameter, where it is not the body." },
      ),
    ),
    block: Type.Optional(Type.Integer({ description: "Of a PEM text that `pointer` names, which block, from 1." })),
    requestId: Type.String(),
  },
  { $id: "Problem", additionalProperties: true, description: "RFC 9457 problem document." },
);
/** An example of each error, by its code; a response refers to those that it can give. */
const exampleOf = (code: ErrorCode) => ({ [code]: { $ref: `#/components/examples/${code}` } });

interface RefusalResponse {
  description: string;
  content: { "application/problem+json": { schema: TSchema; examples: Record<string, { $ref: string }> } };
}

/** The error responses of an operation: the statuses of these codes, with the codes named and shown. */
export function refusals(...codes: ErrorCode[]): Record<number, RefusalResponse> {
  const responses: Record<number, RefusalResponse> = {};
  for (const code of new Set(codes)) {
    const { status } = catalogue[code];
    const already = responses[status];
    responses[status] = {
      description: already ? `${already.description}, \`${code}\`` : `\`${code}\``,
      content: {
        "application/problem+json": {
          schema: Type.Ref("Problem"),
          examples: { ...already?.content["application/problem+json"].examples, ...exampleOf(code) },
        },
      },
    };
  }
  return responses;
}
