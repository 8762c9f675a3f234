import Type, { type Static } from "typebox";
import { meshId, orNull, ownReason, strictObject, time, trustDomain } from "../../http/schemas.ts";
import { toRfc3339, toRfc3339OrNull } from "../../time.ts";
import { type StandingTransfer, TRANSFER_DECISIONS } from "./transfer.ts";

export const newTransfer = strictObject({ meshId, reason: ownReason }, { $id: "NewTransfer" });
export const transferDecision = strictObject(
  {
    meshId,
    decision: Type.Enum([...TRANSFER_DECISIONS], {
      description: "The member accepts or declines; the owner withdraws its offer.",
    }),
    reason: ownReason,
  },
  { $id: "TransferDecision" },
);
export const transferView = strictObject(
  {
    transferId: Type.String(),
    trustDomain,
    from: meshId,
    to: meshId,
    state: Type.Enum(["offered", "accepted", "declined", "withdrawn", "lapsed"], {
      description:
        "`lapsed`: whoever offered it is not the owner any more, or the mesh that it was offered to ceased to be a member.",
    }),
    offeredAt: time("When the owner offered it."),
    offeredReason: orNull(Type.String()),
    decidedAt: orNull(time("When it was decided.")),
    decidedReason: orNull(Type.String()),
  },
  { $id: "Transfer" },
);
export const transferParams = strictObject({ trustDomain, transferId: Type.String({ maxLength: 64 }) });

export const viewTransfer = ({ transfer, state }: StandingTransfer): Static<typeof transferView> => ({
  transferId: transfer.transferId,
  trustDomain: transfer.trustDomain,
  from: transfer.from,
  to: transfer.to,
  state,
  offeredAt: toRfc3339(transfer.offeredAt),
  offeredReason: transfer.offeredReason,
  decidedAt: toRfc3339OrNull(transfer.decidedAt),
  decidedReason: transfer.decidedReason,
});
