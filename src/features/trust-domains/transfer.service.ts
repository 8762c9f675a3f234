import { Refusal } from "../../errors.ts";
import { randomId } from "../../randomness.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EventType, Subject } from "../../store/event.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { FreeText } from "../../text.ts";
import { notFound, requireReach, type TokenCaller } from "../access/caller.ts";
import type { Scope } from "../access/role.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { findTransfer, listTransfers, saveTransfer, undecidedTransfers } from "./transfer.store.ts";
import {
  decidedTransfer,
  type StandingTransfer,
  type Transfer,
  type TransferDecision,
  transferState,
} from "./transfer.ts";
import { audienceOf, membersOf, ownedTrustDomain, readTrustDomain } from "./trust-domain.service.ts";
import { saveTrustDomain } from "./trust-domain.store.ts";
import { requireGranted } from "./trust-domain-record.ts";

/** @throws {Refusal} `not-found` to whoever may not read the trust domain */
export async function readTransfer(
  db: Executor,
  scope: Scope,
  name: TrustDomain,
  transferId: string,
): Promise<StandingTransfer> {
  const of = await readTrustDomain(db, scope, name);
  const transfer = await findTransfer(db, name, transferId);
  if (!transfer) throw notFound();
  return { transfer, state: transferState(transfer, of) };
}

/** @throws {Refusal} `not-found` */
export async function transfersOf(
  db: Executor,
  scope: Scope,
  name: TrustDomain,
  page: { readonly after: string; readonly limit: number },
): Promise<StandingTransfer[]> {
  const of = await readTrustDomain(db, scope, name);
  const transfers = await listTransfers(db, name, page.after, page.limit);
  return transfers.map((transfer) => ({ transfer, state: transferState(transfer, of) }));
}

/**
 * The owner's admin offers the trust domain to a granted member; nothing changes until that one's admin accepts.
 * @throws {Refusal} `not-found`, `not-the-owner`, `membership-pending`, `transfer-open`
 */
export async function offerTransfer(
  work: Work,
  caller: TokenCaller,
  name: TrustDomain,
  asked: { meshId: MeshId; reason: FreeText | null },
): Promise<StandingTransfer> {
  const record = await ownedTrustDomain(work, caller, name);
  const { owner } = record;
  const members = await membersOf(work.tx, name);
  const member = members.find(({ meshId }) => meshId === asked.meshId && meshId !== owner);
  if (!member) throw notFound("/meshId");
  requireGranted(member, "/meshId");
  const undecided = await undecidedTransfers(work.tx, name);
  const open = undecided.find((transfer) => transferState(transfer, { record, members }) === "offered");
  if (open) {
    throw new Refusal("transfer-open", `${name} is on offer to ${open.to}`, {
      extra: { transferId: open.transferId },
    });
  }
  const transfer: Transfer = {
    transferId: randomId(work.random, "tdt"),
    trustDomain: name,
    from: owner,
    to: asked.meshId,
    state: "offered",
    offeredAt: work.now,
    offeredReason: asked.reason,
    decidedAt: null,
    decidedReason: null,
  };
  await saveTransfer(work.tx, transfer);
  work.record({
    type: "trust-domain.transfer-offered",
    subjects: subjectsOf(transfer),
    actingMesh: owner,
    fields: { transferId: transfer.transferId, meshId: asked.meshId, reason: asked.reason },
    after: transfer,
  });
  return { transfer, state: "offered" };
}

const DECIDED = {
  accept: "trust-domain.transferred",
  decline: "trust-domain.transfer-declined",
  withdraw: "trust-domain.transfer-withdrawn",
} as const satisfies Record<TransferDecision, EventType>;

/**
 * The member's admin accepts or declines, or the owner's takes the offer back. On acceptance the owner changes and nothing
 * else: memberships, federations and what is published stay, and the former owner is a member like any other.
 * @throws {Refusal} `not-found`, `transfer-decision`
 */
export async function decideTransfer(
  work: Work,
  caller: TokenCaller,
  { name, transferId }: { readonly name: TrustDomain; readonly transferId: string },
  asked: { meshId: MeshId; decision: TransferDecision; reason: FreeText | null },
): Promise<StandingTransfer> {
  const of = await readTrustDomain(work.tx, caller.scope, name);
  const before = await findTransfer(work.tx, name, transferId);
  if (!before) throw notFound();
  requireReach(caller, asked.meshId, "/meshId");
  const after = decidedTransfer(before, of, asked, work.now);
  await saveTransfer(work.tx, after);
  const accepted = asked.decision === "accept";
  if (accepted) await saveTrustDomain(work.tx, { ...of.record, owner: after.to, updatedAt: work.now });
  work.record({
    type: DECIDED[asked.decision],
    subjects: accepted ? [...subjectsOf(after), ...(await audienceOf(work.tx, name))] : subjectsOf(after),
    actingMesh: asked.meshId,
    fields: { transferId, from: after.from, to: after.to, reason: asked.reason },
    before,
    after,
  });
  return { transfer: after, state: after.state };
}

/** What was offered to a mesh goes with a decision about its membership: an expelled member takes nothing over when it is back. */
export async function lapseTransfersTo(work: Work, name: TrustDomain, meshId: MeshId): Promise<void> {
  for (const transfer of await undecidedTransfers(work.tx, name))
    if (transfer.to === meshId) await saveTransfer(work.tx, { ...transfer, state: "lapsed" });
}

const subjectsOf = ({ trustDomain, from, to }: Transfer): Subject[] => [
  `trust-domain/${trustDomain}`,
  `mesh/${from}`,
  `mesh/${to}`,
];
