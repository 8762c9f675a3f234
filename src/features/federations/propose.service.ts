import { Refusal } from "../../errors.ts";
import { randomId } from "../../randomness.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { EpochMs } from "../../time.ts";
import { notFound, requireReach, type TokenCaller } from "../access/caller.ts";
import { reaches } from "../access/role.ts";
import { actorOf, openCode, spendCode } from "../federation-codes/federation-code.service.ts";
import { agreedByCode, type FederationCode } from "../federation-codes/federation-code.ts";
import type { RegisteredMesh } from "../meshes/mesh.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { meshNamed } from "../meshes/mesh-lookup.service.ts";
import { requireGranted } from "../trust-domains/trust-domain-record.ts";
import { decideConsent } from "./consent.ts";
import { saveFederation } from "./federation.store.ts";
import { type Federation, proposeFederation } from "./federation.ts";
import { requireNoOtherOpen } from "./federation-facts.service.ts";
import { saveDecided } from "./save-decided.service.ts";
import { authoritiesShown } from "./shown-authorities.service.ts";
import { type Direction, makeTerms, type Party, termsDigest } from "./terms.ts";
import { concernedBy } from "./visible-federation.service.ts";

/**
 * Proposes a federation. An admin of the proposer consents with it; an operator consents for nobody. With a code of the
 * other mesh, that mesh consents too.
 * @throws {Refusal} `not-found` for a mesh that is absent, unlisted or not the caller's; `membership-pending`,
 * `federation-with-itself`, `invalid-terms`, `federation-exists`, `federation-code-invalid`
 */
export async function propose(
  work: Work,
  caller: TokenCaller,
  asked: {
    proposer: MeshId;
    /** May be absent where a code says which. */
    peer: MeshId | undefined;
    code?: string | undefined;
    trust: readonly Direction[] | undefined;
    expiresAt: EpochMs | null | undefined;
    reason: string | null;
  },
): Promise<Federation> {
  const byOperator = caller.role === "operator";
  requireReach(caller, asked.proposer, "/proposer");
  const proposer = await meshNamed(work.tx, asked.proposer);
  if (!proposer) throw notFound("/proposer");
  requireGranted({ ...proposer, state: proposer.membership }, "/proposer");
  const consented = asked.code === undefined ? undefined : await openCode(work, asked.code, asked.peer);
  const peer = consented?.mesh ?? (await reachablePeer(work.tx, caller, proposer, asked.peer));
  const parties: readonly [Party, Party] = [partyOf(proposer), partyOf(peer)];
  const { trust, expiresAt } = consented ? agreedByCode(consented.code, proposer.meshId, asked) : asked;
  const terms = makeTerms(parties, trust, expiresAt ?? null, work.now);
  await requireNoOtherOpen(work, proposer.meshId, peer.meshId, undefined);

  const federation = proposeFederation({
    federationId: randomId(work.random, "fed"),
    terms,
    proposer: asked.proposer,
    byOperator,
    authorities: await authoritiesShown(work, parties),
    reason: asked.reason,
    now: work.now,
  });
  await saveFederation(work.tx, federation);
  work.record({
    type: "federation.proposed",
    ...(await concernedBy(work.tx, federation)),
    ...(byOperator ? {} : { actingMesh: asked.proposer }),
    fields: { meshId: asked.proposer, termsDigest: termsDigest(terms), reason: asked.reason },
    after: federation,
  });
  return consented ? consentByCode(work, federation, consented.code) : federation;
}

/** The code's side grants what is proposed; the code is thereby spent. */
async function consentByCode(work: Work, proposed: Federation, code: FederationCode): Promise<Federation> {
  const { meshId, reason, codeId, createdBy } = code;
  const decided = decideConsent(proposed, meshId, "grant", null, reason, work.now);
  const by = { actingMesh: meshId, actor: actorOf(code), fields: { codeId, madeBy: createdBy } };
  const federation = await saveDecided(work, proposed, decided, meshId, reason, by);
  await spendCode(work, code, { meshId: proposed.proposer, federationId: proposed.federationId });
  return federation;
}

const partyOf = ({ meshId, trustDomain }: RegisteredMesh): Party => ({ meshId, trustDomain });

/** An unlisted mesh, and one that may not federate yet, answer like an absent one, except to its own admins and operators. */
async function reachablePeer(
  db: Executor,
  caller: TokenCaller,
  proposer: RegisteredMesh,
  meshId: MeshId | undefined,
): Promise<RegisteredMesh> {
  if (meshId === undefined)
    throw new Refusal("invalid-request", "name the other mesh, or send a code of it", { pointer: "/peer" });
  if (meshId === proposer.meshId) return proposer;
  const peer = await meshNamed(db, meshId);
  const visible = peer && (peer.listed || reaches(caller.scope, meshId));
  if (!peer || !visible || peer.membership !== "granted") throw notFound("/peer");
  return peer;
}
