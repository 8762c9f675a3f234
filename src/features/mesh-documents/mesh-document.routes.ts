import type { Static } from "typebox";
import { change, type Endpoint, read } from "../../http/endpoint.ts";
import { parseName, parseOptionalText } from "../../text.ts";
import { parseTime } from "../../time.ts";
import { referredMesh } from "../access/caller.ts";
import { newAuthorityRefusals } from "../authorities/authority.routes.ts";
import type { Broker } from "../broker.ts";
import { parseTrust } from "../federations/federation.schema.ts";
import { meshParams, parseLabels, parseMeshChange } from "../meshes/mesh.schema.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import { parsePollerChange } from "../pollers/poller.schema.ts";
import { pollerUrls } from "../pollers/poller.ts";
import { meshDocument, putMesh, viewDocument, viewPut } from "./mesh-document.schema.ts";
import { putMeshDocument, standingMesh } from "./mesh-document.service.ts";
import { type MeshDocument, type WantedAuthority, within } from "./mesh-document.ts";

const tag = "Meshes";

export const meshDocumentEndpoints = (broker: Broker): Endpoint[] => [
  read({
    path: "/v1/meshes/{meshId}/document",
    operationId: "readMeshDocument",
    tag,
    summary: "Read a mesh as the document that would make it what it is",
    permission: "mesh-document:read",
    params: meshParams,
    answer: meshDocument,
    refusals: ["not-found"],
    async read(db, { params }) {
      const standing = await standingMesh({ tx: db, now: broker.clock() }, parseMeshId(params.meshId));
      return { body: viewDocument(standing) };
    },
  }),
  change({
    method: "PUT",
    path: "/v1/meshes/{meshId}/document",
    operationId: "putMeshDocument",
    tag,
    summary: "Make a mesh what its document says; put again, it changes nothing",
    description:
      "The mesh, its trust domain, authorities, pollers and wanted federations at once, or nothing of it. What is absent " +
      "from the document is left alone and listed as `unmanaged`.",
    permission: "mesh-document:change",
    params: meshParams,
    body: meshDocument,
    largeBody: true,
    shownOnce: { secrets: ["tokens"], of: "meshId" },
    answer: putMesh,
    refusals: [
      "not-found",
      "invalid-text",
      "not-the-owner",
      ...newAuthorityRefusals,
      "impossible-transition",
      "would-empty-bundle",
      "poller-name-taken",
      "federation-with-itself",
      "invalid-terms",
      "federation-exists",
    ],
    async change(work, { params, body, token }) {
      const meshId = parseMeshId(params.meshId);
      const put = await putMeshDocument(work, token, meshId, await parseDocument(body));
      return { body: viewPut(meshId, put, (secret) => pollerUrls(broker.publicUrls(), secret)) };
    },
  }),
];

async function parseDocument(body: Static<typeof meshDocument>): Promise<MeshDocument> {
  const { trustDomain } = body;
  return {
    mesh: await within("/mesh", () => parseMesh(body.mesh)),
    ...(trustDomain === undefined ? {} : { trustDomain }),
    authorities: (body.authorities ?? []).map(({ state, ...upload }) => ({
      upload: upload as WantedAuthority["upload"],
      state,
    })),
    pollers: await inPlaces("/pollers", body.pollers, (one) => ({
      ...parsePollerChange(one),
      name: parseName(one.name, "/name"),
    })),
    federations: await inPlaces("/federations", body.federations, ({ peer, trust, expiresAt, reason }) => ({
      peer: referredMesh(peer, "/peer"),
      trust: parseTrust(trust),
      expiresAt: typeof expiresAt === "string" ? parseTime(expiresAt, "/expiresAt") : expiresAt,
      reason: parseOptionalText(reason, "/reason"),
    })),
  };
}

const parseMesh = ({ labels, ...described }: Static<typeof meshDocument>["mesh"]): MeshDocument["mesh"] => {
  const { labels: _none, ...change } = parseMeshChange(described);
  return labels === undefined ? change : { ...change, labels: parseLabels(labels) };
};

async function inPlaces<T, U>(place: string, all: readonly T[] | undefined, parse: (one: T) => U): Promise<U[]> {
  const parsed: U[] = [];
  for (const [index, one] of (all ?? []).entries()) parsed.push(await within(`${place}/${index}`, () => parse(one)));
  return parsed;
}
