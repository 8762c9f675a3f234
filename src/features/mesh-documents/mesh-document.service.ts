import type { Warning } from "../../pki/authority.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { EpochMs } from "../../time.ts";
import type { TokenCaller } from "../access/caller.ts";
import { livingContributions, meshSource } from "../authorities/authority.service.ts";
import { openFederationsOf } from "../federations/federation-facts.service.ts";
import { stated, wantFederation } from "../federations/want.service.ts";
import type { StatedFederation } from "../federations/wanted.ts";
import { changeMesh, readMesh } from "../meshes/mesh.service.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { changePoller, createPoller, unrevokedPollersOf } from "../pollers/poller.service.ts";
import { canPoll } from "../pollers/poller.ts";
import { changeTrustDomain, trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { hintWarnings } from "../trust-domains/trust-domain-record.ts";
import { putAuthorities } from "./document-authorities.service.ts";
import {
  type MeshDocument,
  type Outcome,
  onlyLabels,
  type PutAuthority,
  type PutFederation,
  type PutMesh,
  type PutPoller,
  requireEachOnce,
  type StandingMesh,
  type WantedFederation,
  type WantedPoller,
  within,
} from "./mesh-document.ts";

/** @throws {Refusal} `not-found` */
export async function standingMesh(
  reading: { readonly tx: Executor; readonly now: EpochMs },
  meshId: MeshId,
): Promise<StandingMesh> {
  const { tx, now } = reading;
  const mesh = await readMesh(tx, meshId);
  const record = await trustDomainNamed(tx, mesh.trustDomain);
  const federations: StatedFederation[] = [];
  for (const federation of await openFederationsOf(reading, meshId))
    federations.push(await stated(reading, federation));
  return {
    mesh,
    trustDomain: record?.owner === meshId ? record : undefined,
    authorities: await livingContributions(tx, meshSource(meshId)),
    pollers: (await unrevokedPollersOf(tx, meshId)).filter((poller) => canPoll(poller, now)),
    federations,
  };
}

/**
 * Makes a mesh what its document says, by the same services as the single calls, and leaves alone what it does not name.
 * Put again it changes nothing.
 * @throws {Refusal} what the single calls refuse, with pointers into the document
 */
export async function putMeshDocument(
  work: Work,
  caller: TokenCaller,
  meshId: MeshId,
  document: MeshDocument,
): Promise<PutMesh> {
  const before = await readMesh(work.tx, meshId);
  const { labels, ...described } = document.mesh;
  const change = labels === undefined ? described : { ...described, labels: onlyLabels(before.labels, labels) };
  const mesh = await told(work, () => within("/mesh", () => changeMesh(work, meshId, change)));
  const { trustDomain: wanted } = document;
  const trustDomain =
    wanted &&
    (await told(work, () => within("/trustDomain", () => changeTrustDomain(work, caller, before.trustDomain, wanted))));
  const authorities = await putAuthorities(work, before, document.authorities);
  const pollers = await putPollers(work, meshId, document.pollers);
  const federations = await putFederations(work, caller, meshId, document.federations);
  return {
    mesh: mesh.outcome,
    trustDomain: trustDomain?.outcome,
    authorities: authorities.put,
    pollers,
    federations,
    warnings: [
      ...hintWarnings(wanted?.refreshHintSeconds ?? Number.POSITIVE_INFINITY).map(at("/trustDomain")),
      ...authorities.warnings,
    ],
    unmanaged: await unmanagedBy(work, meshId, authorities.put, pollers, federations),
  };
}

const at = (place: string) => (warning: Warning) => ({ ...warning, pointer: place + warning.pointer });

/** Whatever changes something says so in an event. */
async function told<T>(work: Work, act: () => Promise<T>): Promise<{ done: T; outcome: Outcome }> {
  const before = work.newest;
  const done = await act();
  return { done, outcome: work.newest > before ? "changed" : "unchanged" };
}

async function putPollers(work: Work, meshId: MeshId, wanted: readonly WantedPoller[]): Promise<PutPoller[]> {
  requireEachOnce(
    "/pollers",
    wanted.map(({ name }) => name),
  );
  const { pollers } = await standingMesh(work, meshId);
  const put: PutPoller[] = [];
  for (const [index, one] of wanted.entries()) {
    const known = pollers.find(({ name }) => name === one.name);
    const place = `/pollers/${index}`;
    if (known) {
      const change = () => within(place, () => changePoller(work, meshId, known.pollerId, one));
      const { done, outcome } = await told(work, change);
      put.push({ poller: done, outcome });
    } else {
      const made = await within(place, () => createPoller(work, meshId, one));
      put.push({ ...made, outcome: "created" });
    }
  }
  return put;
}

async function putFederations(
  work: Work,
  caller: TokenCaller,
  meshId: MeshId,
  wanted: readonly WantedFederation[],
): Promise<PutFederation[]> {
  requireEachOnce(
    "/federations",
    wanted.map(({ peer }) => peer),
  );
  const put: PutFederation[] = [];
  for (const [index, one] of wanted.entries()) {
    const asked = { ...one, meshId };
    const want = () => within(`/federations/${index}`, () => wantFederation(work, caller, asked), OF_THE_MESH);
    const { done, outcome } = await told(work, want);
    put.push({ ...done, outcome: done.isNew ? "created" : outcome });
  }
  return put;
}

/** What the single calls are told, and a document need not say. */
const OF_THE_MESH = { "/proposer": "", "/meshId": "", "/decision": "", "/termsDigest": "" };

async function unmanagedBy(
  work: Work,
  meshId: MeshId,
  authorities: readonly PutAuthority[],
  pollers: readonly PutPoller[],
  federations: readonly PutFederation[],
): Promise<PutMesh["unmanaged"]> {
  const named = new Set([
    ...authorities.map(({ contribution }) => contribution.known.authorityId),
    ...pollers.map(({ poller }) => poller.pollerId),
    ...federations.map(({ federation }) => federation.federationId),
  ]);
  const standing = await standingMesh(work, meshId);
  return {
    authorities: standing.authorities.filter(({ known }) => !named.has(known.authorityId)),
    pollers: standing.pollers.filter(({ pollerId }) => !named.has(pollerId)),
    federations: standing.federations.filter(({ federation }) => !named.has(federation.federationId)),
  };
}
