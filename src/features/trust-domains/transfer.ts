import { Refusal } from "../../errors.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { FreeText } from "../../text.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";

/** `lapsed`: an offer of a mesh that is not the owner any more. Derived, never stored. */
export type TransferState = "offered" | "accepted" | "declined" | "withdrawn" | "lapsed";

/** A trust domain, offered by its owner to a member. */
export interface Transfer {
  readonly transferId: string;
  readonly trustDomain: TrustDomain;
  readonly from: MeshId;
  readonly to: MeshId;
  readonly state: Exclude<TransferState, "lapsed">;
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

export const transferState = (transfer: Transfer, owner: MeshId | null): TransferState =>
  transfer.state === "offered" && transfer.from !== owner ? "lapsed" : transfer.state;

/** What this mesh can decide now: the member accepts or declines, the owner takes its offer back. */
function possibleTransferDecisions(
  transfer: Transfer,
  owner: MeshId | null,
  meshId: MeshId,
): readonly TransferDecision[] {
  if (transferState(transfer, owner) !== "offered") return [];
  if (meshId === transfer.to) return ["accept", "decline"];
  return meshId === transfer.from ? ["withdraw"] : [];
}

/** @throws {Refusal} `transfer-decision` */
export function decidedTransfer(
  transfer: Transfer,
  owner: MeshId | null,
  asked: { readonly meshId: MeshId; readonly decision: TransferDecision; readonly reason: FreeText | null },
  now: EpochMs,
): Transfer {
  const { meshId, decision, reason } = asked;
  const possible = possibleTransferDecisions(transfer, owner, meshId);
  if (!possible.includes(decision)) {
    const state = transferState(transfer, owner);
    throw new Refusal("transfer-decision", `the offer is ${state}; ${meshId} cannot ${decision} it`, {
      pointer: "/decision",
      extra: { possible },
    });
  }
  return { ...transfer, state: DECIDED[decision], decidedAt: now, decidedReason: reason };
}
