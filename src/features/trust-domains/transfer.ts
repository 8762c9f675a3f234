import { Refusal } from "../../errors.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { FreeText } from "../../text.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { Membership, TrustDomainRecord } from "./trust-domain-record.ts";

/**
 * `lapsed`: an offer of a mesh that is not the owner any more, or to one that is not a granted member any more. Derived; stored
 * only with a later decision about the member, so that a new grant does not bring the offer back.
 */
export type TransferState = "offered" | "accepted" | "declined" | "withdrawn" | "lapsed";

/** A trust domain, offered by its owner to a member. */
export interface Transfer {
  readonly transferId: string;
  readonly trustDomain: TrustDomain;
  readonly from: MeshId;
  readonly to: MeshId;
  readonly state: TransferState;
  readonly offeredAt: EpochMs;
  readonly offeredReason: FreeText | null;
  readonly decidedAt: EpochMs | null;
  readonly decidedReason: FreeText | null;
}

/** An offer as it stands now. */
export interface StandingTransfer {
  readonly transfer: Transfer;
  readonly state: TransferState;
}

export const TRANSFER_DECISIONS = ["accept", "decline", "withdraw"] as const;
export type TransferDecision = (typeof TRANSFER_DECISIONS)[number];

const DECIDED = { accept: "accepted", decline: "declined", withdraw: "withdrawn" } as const;

/** The trust domain as it stands now: who owns it, and who is a member. */
export interface Transferable {
  readonly record: Pick<TrustDomainRecord, "owner">;
  readonly members: readonly Pick<Membership, "meshId" | "state">[];
}

export function transferState({ state, from, to }: Transfer, { record, members }: Transferable): TransferState {
  if (state !== "offered") return state;
  const isMember = members.some((member) => member.meshId === to && member.state === "granted");
  return from === record.owner && isMember ? "offered" : "lapsed";
}

/** What this mesh can decide now: the member accepts or declines, the owner takes its offer back. */
function possibleTransferDecisions(transfer: Transfer, of: Transferable, meshId: MeshId): readonly TransferDecision[] {
  if (transferState(transfer, of) !== "offered") return [];
  if (meshId === transfer.to) return ["accept", "decline"];
  return meshId === transfer.from ? ["withdraw"] : [];
}

/** @throws {Refusal} `transfer-decision` */
export function decidedTransfer(
  transfer: Transfer,
  of: Transferable,
  asked: { readonly meshId: MeshId; readonly decision: TransferDecision; readonly reason: FreeText | null },
  now: EpochMs,
): Transfer {
  const { meshId, decision, reason } = asked;
  const possible = possibleTransferDecisions(transfer, of, meshId);
  if (!possible.includes(decision)) {
    const state = transferState(transfer, of);
    throw new Refusal("transfer-decision", `the offer is ${state}; ${meshId} cannot ${decision} it`, {
      pointer: "/decision",
      extra: { possible },
    });
  }
  return { ...transfer, state: DECIDED[decision], decidedAt: now, decidedReason: reason };
}
