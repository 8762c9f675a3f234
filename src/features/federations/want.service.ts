import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { EpochMs } from "../../time.ts";
import type { TokenCaller } from "../access/caller.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { digestToDecide } from "./consent.ts";
import { askForTerms, giveConsent } from "./decide.service.ts";
import { newestBetween, standingBetween } from "./federation.store.ts";
import { type Federation, isOpen, stateOf } from "./federation.ts";
import { factsOf } from "./federation-facts.service.ts";
import { propose } from "./propose.service.ts";
import { type Direction, directionsBetween } from "./terms.ts";
import { type StatedFederation, stepTowards, type Wanted } from "./wanted.ts";

export const stated = async (
  { tx, now }: { readonly tx: Executor; readonly now: EpochMs },
  federation: Federation,
): Promise<StatedFederation> => ({ federation, state: stateOf(federation, await factsOf(tx, federation), now) });

/**
 * Says for a mesh what it wants of a peer, as far as it has not said so: by a proposal, a grant of what the peer
 * proposed, or other terms. Without `trust` it wants both directions.
 * @throws {Refusal} as `propose`, `giveConsent` and `askForTerms`
 */
export async function wantFederation(
  work: Work,
  caller: TokenCaller,
  asked: {
    readonly meshId: MeshId;
    readonly peer: MeshId;
    readonly trust: readonly Direction[] | undefined;
    readonly expiresAt: EpochMs | null | undefined;
    readonly reason: string | null;
  },
): Promise<StatedFederation & { readonly isNew: boolean }> {
  const { meshId, peer, expiresAt, reason } = asked;
  const wanted: Wanted = { meshId, trust: directionsBetween([meshId, peer], asked.trust), expiresAt };
  const latest = await latestBetween(work, meshId, peer);
  const step = stepTowards(wanted, latest, work.now);
  if (!latest || step === "propose") {
    const proposed = await propose(work, caller, { proposer: meshId, peer, trust: asked.trust, expiresAt, reason });
    return { ...(await stated(work, proposed)), isNew: true };
  }
  if (step === "nothing") return { ...latest, isNew: false };
  const { federation } = latest;
  const { federationId } = federation;
  const say = () => {
    if (step === "ask") return askForTerms(work, caller, federationId, { ...wanted, reason });
    const decision = step === "grant" ? "grant" : "deny";
    const termsDigest = digestToDecide(federation, meshId, decision);
    return giveConsent(work, caller, federationId, { meshId, decision, termsDigest, reason });
  };
  return { ...(await stated(work, await say())), isNew: false };
}

async function latestBetween(work: Work, a: MeshId, b: MeshId): Promise<StatedFederation | undefined> {
  for (const federation of await standingBetween(work.tx, a, b, work.now)) {
    const candidate = await stated(work, federation);
    if (isOpen(candidate.state)) return candidate;
  }
  const newest = await newestBetween(work.tx, a, b);
  return newest && stated(work, newest);
}
