import Type, { type Static } from "typebox";
import { meshId, orNull, reasonForBothSides, strictObject, text, time, warnings } from "../../http/schemas.ts";
import { pemOf } from "../../pki/pem.ts";
import { toRfc3339OrNull } from "../../time.ts";
import { authorityView, foreignObject } from "../authorities/authority.schema.ts";
import { type Contribution, isPublishing, shownState } from "../authorities/contribution.ts";
import { federationView, trust } from "../federations/federation.schema.ts";
import { peerOf, type StatedFederation, termsSaid } from "../federations/wanted.ts";
import { labels, meshChange } from "../meshes/mesh.schema.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { createdPoller, pollerChange } from "../pollers/poller.schema.ts";
import type { Poller, pollerUrls } from "../pollers/poller.ts";
import { trustDomainChange } from "../trust-domains/trust-domain.schema.ts";
import type { PutMesh, StandingMesh } from "./mesh-document.ts";

const wantedAuthority = Type.Object(
  {
    pem: Type.Optional(Type.String({ maxLength: 100_000, description: "One CA certificate." })),
    jwk: Type.Optional(foreignObject("One JWT signing key (RFC 7517), public members only.")),
    state: Type.Optional(
      Type.Enum(["prepared", "active", "retiring", "retired", "revoked"], {
        description: "It is moved there by the rules of a transition. Left as it is where absent.",
      }),
    ),
  },
  {
    additionalProperties: false,
    description: "Exactly one of `pem` and `jwk`.",
    oneOf: [{ required: ["pem"] }, { required: ["jwk"] }],
  },
);

export const meshDocument = strictObject(
  {
    mesh: strictObject({
      ...meshChange.properties,
      labels: Type.Optional({ ...labels, description: "At most 64: all that the mesh has, where they are here." }),
    }),
    trustDomain: Type.Optional(
      strictObject({ ...trustDomainChange.properties }, { description: "For the owner of the trust domain alone." }),
    ),
    authorities: Type.Optional(Type.Array(wantedAuthority, { maxItems: 100 })),
    pollers: Type.Optional(
      Type.Array(strictObject({ ...pollerChange.properties, name: text("By which the poller is known.") }), {
        maxItems: 1_000,
      }),
    ),
    federations: Type.Optional(
      Type.Array(
        strictObject(
          {
            peer: meshId,
            trust: Type.Optional(trust),
            expiresAt: Type.Optional(
              orNull(time("Null for no end; where absent, whichever the peer proposes will do.")),
            ),
            reason: reasonForBothSides,
          },
          { description: "Wanted: it is proposed, or granted where the peer proposed it." },
        ),
        { maxItems: 500 },
      ),
    ),
  },
  { $id: "MeshDocument", description: "A whole mesh. What is absent is left alone." },
);

const outcome = Type.Enum(["created", "changed", "unchanged"]);
const { authorityId, fingerprint, state } = authorityView.properties;
const authority = { authorityId, fingerprint, state };
const poller = { pollerId: createdPoller.properties.pollerId, name: createdPoller.properties.name };
const federation = {
  federationId: federationView.properties.federationId,
  peer: meshId,
  state: federationView.properties.state,
};

export const putMesh = strictObject(
  {
    meshId,
    mesh: outcome,
    trustDomain: Type.Optional(outcome),
    authorities: Type.Array(strictObject({ ...authority, outcome })),
    pollers: Type.Array(strictObject({ ...poller, outcome })),
    federations: Type.Array(strictObject({ ...federation, outcome })),
    tokens: Type.Array(
      strictObject({ ...poller, token: createdPoller.properties.token, urls: createdPoller.properties.urls }),
      { description: "Of the pollers that were created; shown once." },
    ),
    unmanaged: strictObject(
      {
        authorities: Type.Array(strictObject(authority)),
        pollers: Type.Array(strictObject(poller)),
        federations: Type.Array(strictObject(federation)),
      },
      { description: "What stands of the mesh and is absent from the document: left alone." },
    ),
    warnings,
  },
  { $id: "PutMesh" },
);

const viewAuthority = (contribution: Contribution) => ({
  authorityId: contribution.known.authorityId,
  fingerprint: contribution.known.authority.fingerprint,
  state: shownState(contribution),
});
const viewPoller = ({ pollerId, name }: Poller) => ({ pollerId, name });
const viewFederation = ({ federation, state }: StatedFederation, meshId: MeshId) => ({
  federationId: federation.federationId,
  peer: peerOf(federation, meshId),
  state,
});

export const viewPut = (
  meshId: MeshId,
  put: PutMesh,
  urlsOf: (token: string) => ReturnType<typeof pollerUrls>,
): Static<typeof putMesh> => ({
  meshId,
  mesh: put.mesh,
  ...(put.trustDomain === undefined ? {} : { trustDomain: put.trustDomain }),
  authorities: put.authorities.map(({ contribution, outcome }) => ({ ...viewAuthority(contribution), outcome })),
  pollers: put.pollers.map(({ poller, outcome }) => ({ ...viewPoller(poller), outcome })),
  federations: put.federations.map((one) => ({ ...viewFederation(one, meshId), outcome: one.outcome })),
  tokens: put.pollers.flatMap(({ poller, token }) =>
    token === undefined ? [] : [{ ...viewPoller(poller), token, urls: urlsOf(token) }],
  ),
  unmanaged: {
    authorities: put.unmanaged.authorities.map(viewAuthority),
    pollers: put.unmanaged.pollers.map(viewPoller),
    federations: put.unmanaged.federations.map((one) => viewFederation(one, meshId)),
  },
  warnings: [...put.warnings],
});

function viewWanted(contribution: Contribution): Static<typeof wantedAuthority>[] {
  const state = shownState(contribution);
  const { authority } = contribution.known;
  if (state === "claimed" || !isPublishing(state)) return [];
  if (authority.type === "x509") return [{ pem: pemOf(authority.certificate), state }];
  return [{ jwk: { ...authority.jwk, kid: authority.keyId }, state }];
}

/** The document that, put, changes nothing: what the mesh publishes, who polls, what it has said of federations. */
export function viewDocument({ mesh, trustDomain, ...standing }: StandingMesh): Static<typeof meshDocument> {
  const { displayName, dialect, dialectVersion, listed, meshId } = mesh;
  return {
    mesh: { displayName, dialect, dialectVersion, labels: { ...mesh.labels }, listed },
    ...(trustDomain && {
      trustDomain: { refreshHintSeconds: trustDomain.refreshHintSeconds, public: trustDomain.public },
    }),
    authorities: standing.authorities.flatMap(viewWanted),
    pollers: standing.pollers.map(({ name, cluster, dialect, dialectVersion, replicas }) => ({
      name,
      cluster,
      dialect,
      dialectVersion,
      replicas,
    })),
    federations: standing.federations.flatMap(({ federation }) => {
      const terms = termsSaid(federation, meshId);
      if (!terms) return [];
      const expiresAt = toRfc3339OrNull(terms.expiresAt);
      return [
        { peer: peerOf(federation, meshId), trust: terms.trust.map((direction) => ({ ...direction })), expiresAt },
      ];
    }),
  };
}
