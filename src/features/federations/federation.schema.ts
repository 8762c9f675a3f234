import Type, { type Static } from "typebox";
import { meshId, orNull, reasonForBothSides, strictObject, text, time, trustDomain } from "../../http/schemas.ts";
import { toRfc3339, toRfc3339OrNull } from "../../time.ts";
import { reaches, type Scope } from "../access/role.ts";
import { isMeshId } from "../meshes/mesh-id.ts";
import type { ObservedFederation } from "./conditions.ts";
import { CONSENT_DECISIONS } from "./consent.ts";
import { currentTerms, type Federation, type LastWord, type Proposal, type Veto, WORDS } from "./federation.ts";
import { type Direction, strayDirection, type Terms, termsDigest } from "./terms.ts";

const direction = strictObject(
  { consumer: meshId, provider: meshId },
  { description: "The consumer trusts the provider." },
);
export const trust = Type.Array(direction, { maxItems: 2, description: "Both directions where absent." });

/** @throws {Refusal} `invalid-terms` */
export const parseTrust = (asked: Static<typeof trust> | undefined): Direction[] | undefined =>
  asked?.map(({ consumer, provider }, index) => {
    if (!isMeshId(consumer) || !isMeshId(provider)) throw strayDirection(index);
    return { consumer, provider };
  });

export const newFederation = strictObject(
  {
    proposer: meshId,
    peer: Type.Optional({ ...meshId, description: "The other mesh; may be absent where a code says which." }),
    code: Type.Optional(
      Type.String({
        maxLength: 256,
        description:
          "A federation code of the other mesh, which consents by it: its own terms hold where it has some. The way to a mesh that is not listed.",
      }),
    ),
    trust: Type.Optional(trust),
    expiresAt: Type.Optional(time("When the federation ends by itself.")),
    reason: Type.Optional(
      text(
        "Why; both sides of the federation read it. An operator's, which consents for nobody, the proposer's people alone.",
      ),
    ),
  },
  { $id: "NewFederation" },
);
export const termsMeant = Type.Optional(
  Type.String({
    maxLength: 64,
    description:
      "Of the terms that you read, `terms` or `proposal.terms`; others answer 409. A grant must name it where the terms were changed since the proposal, or others are proposed beside the agreed ones.",
  }),
);
export const consentDecision = strictObject(
  {
    meshId,
    decision: Type.Enum([...CONSENT_DECISIONS], {
      description:
        "A side grants, denies or withdraws. The owner of a side's trust domain vetoes with `deny` and allows again with `grant`.",
    }),
    termsDigest: termsMeant,
    reason: reasonForBothSides,
  },
  { $id: "ConsentDecision" },
);
export const termsChange = strictObject(
  {
    meshId,
    trust: Type.Optional(trust),
    expiresAt: Type.Optional(orNull(time("Null takes the end away."))),
    reason: reasonForBothSides,
  },
  { $id: "TermsChange" },
);

const terms = strictObject(
  {
    parties: Type.Array(strictObject({ meshId, trustDomain })),
    trust: Type.Array(direction),
    expiresAt: orNull(time("When it ends by itself.")),
    termsDigest: Type.String({ description: "SHA-256 of the terms: what a consent binds." }),
  },
  { $id: "Terms" },
);
const authorities = Type.Record(Type.String(), Type.Array(Type.String()), {
  description: "Published fingerprints of each trust domain as of the proposal.",
});
const proposal = strictObject(
  {
    terms,
    proposedBy: orNull(meshId),
    grantedBy: Type.Array(meshId),
    authorities,
    at: time("When it was proposed."),
    reason: orNull(Type.String()),
  },
  { $id: "TermsProposal" },
);
export const condition = strictObject(
  {
    type: Type.String(),
    status: Type.Enum(["True", "False", "Unknown"]),
    reason: Type.String(),
    message: Type.String(),
    lastTransitionTime: time("Of the fact that decides it."),
  },
  { $id: "Condition" },
);
export const federationView = strictObject(
  {
    federationId: Type.String(),
    proposer: meshId,
    state: Type.Enum(["pending", "active", "suspended", "denied", "withdrawn", "expired"]),
    terms,
    authorities,
    proposal: orNull(proposal),
    consents: Type.Array(
      strictObject({
        meshId,
        decision: Type.Enum(["pending", "granted", "denied", "withdrawn"]),
        termsDigest: orNull(Type.String()),
        at: time("When it was said."),
        reason: orNull(Type.String()),
      }),
    ),
    vetoes: Type.Array(
      strictObject({
        trustDomain,
        owner: orNull(Type.String({ description: "Whose veto it is; null to the side of another trust domain." })),
        at: time("When."),
        reason: orNull(Type.String()),
      }),
    ),
    lastWord: orNull(
      strictObject(
        {
          meshId: orNull({
            ...meshId,
            description: "Whose; null where another than you says it as the owner of a side's trust domain.",
          }),
          said: Type.Enum([...WORDS]),
          at: time("When."),
          reason: orNull(Type.String()),
        },
        {
          description:
            "What a side or an owner said last, and why: also where nothing stands of it, as of a decline. Null while only an operator has proposed.",
        },
      ),
    ),
    conditions: Type.Array(condition),
    createdAt: time("When it was proposed first."),
    updatedAt: time("When a side last decided."),
    links: strictObject({ events: Type.String() }),
  },
  { $id: "Federation" },
);
export const federationParams = strictObject({ federationId: Type.String({ maxLength: 64 }) });
export const federationFilter = { meshId: Type.Optional(meshId) };

const viewTerms = (found: Terms): Static<typeof terms> => ({
  parties: found.parties.map(({ meshId, trustDomain }) => ({ meshId, trustDomain })),
  trust: found.trust.map(({ consumer, provider }) => ({ consumer, provider })),
  expiresAt: toRfc3339OrNull(found.expiresAt),
  termsDigest: termsDigest(found),
});

const viewAuthorities = (shown: Proposal["authorities"]) =>
  Object.fromEntries(Object.entries(shown).map(([name, fingerprints]) => [name, [...fingerprints]]));

/** An owner may be unlisted: only who is in its trust domain is told which mesh it is (S21). */
const knowsOwner = (scope: Scope, { parties }: Federation, { trustDomain, owner }: Veto): boolean =>
  reaches(scope, owner) || parties.some((party) => party.trustDomain === trustDomain && reaches(scope, party.meshId));

/** An owner is no side, and may be unlisted (S21). */
const viewWord = (word: LastWord, { parties }: Federation, scope: Scope) => ({
  ...word,
  meshId: parties.some(({ meshId }) => meshId === word.meshId) || reaches(scope, word.meshId) ? word.meshId : null,
  at: toRfc3339(word.at),
});

export function viewFederation(
  { federation, state, conditions }: ObservedFederation,
  scope: Scope,
): Static<typeof federationView> {
  const beside = federation.agreement ? federation.proposal : null;
  return {
    federationId: federation.federationId,
    proposer: federation.proposer,
    state,
    terms: viewTerms(currentTerms(federation)),
    authorities: viewAuthorities(standing(federation).authorities),
    proposal: beside && {
      terms: viewTerms(beside.terms),
      proposedBy: beside.proposedBy,
      grantedBy: [...beside.grantedBy],
      authorities: viewAuthorities(beside.authorities),
      at: toRfc3339(beside.at),
      reason: beside.reason,
    },
    consents: federation.consents.map((consent) => ({ ...consent, at: toRfc3339(consent.at) })),
    vetoes: federation.vetoes.map((veto) => ({
      ...veto,
      owner: knowsOwner(scope, federation, veto) ? veto.owner : null,
      at: toRfc3339(veto.at),
    })),
    lastWord: federation.lastWord ? viewWord(federation.lastWord, federation, scope) : null,
    conditions: conditions.map((found) => ({ ...found, lastTransitionTime: toRfc3339(found.lastTransitionTime) })),
    createdAt: toRfc3339(federation.createdAt),
    updatedAt: toRfc3339(federation.updatedAt),
    links: { events: `/v1/audit-events?federationId=${federation.federationId}` },
  };
}

const standing = ({ agreement, proposal }: Federation): Pick<Proposal, "authorities"> =>
  agreement ?? proposal ?? { authorities: {} };
