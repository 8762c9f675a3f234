import { Refusal } from "../../errors.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { type FreeText, parseText } from "../../text.ts";
import { toRfc3339 } from "../../time.ts";
import { notFound, type TokenCaller } from "../access/caller.ts";
import { issueToken } from "../access/token.service.ts";
import type { Token } from "../access/token.ts";
import type { ConsentDecision } from "../federations/consent.ts";
import { giveConsent } from "../federations/decide.service.ts";
import type { Federation } from "../federations/federation.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { isMeshThere } from "../meshes/mesh-lookup.service.ts";

/** What the other side of the federation reads; the operator's own reason is for the mesh's people. */
const CONSENT_REASON = parseText("said by the broker's operator in the mesh's place (break-glass)", "");

/**
 * An operator gives a mesh's word in its place, where the configuration allows it (S23). An event of its own tells the
 * mesh's people who did it and why.
 * @throws {Refusal} `break-glass-off`, and as `giveConsent`
 */
export async function consentByBreakGlass(
  work: Work,
  caller: TokenCaller,
  allowed: boolean,
  asked: {
    federationId: string;
    meshId: MeshId;
    decision: ConsentDecision;
    termsDigest: string | null;
    reason: FreeText;
  },
): Promise<Federation> {
  requireAllowed(allowed);
  const { federationId, meshId, decision, termsDigest, reason } = asked;
  if (!(await isMeshThere(work.tx, meshId))) throw notFound("/meshId");
  work.record({
    type: "break-glass.consented",
    subjects: [`mesh/${meshId}`, `federation/${federationId}`],
    fields: { decision, reason },
  });
  const consent = { meshId, decision, termsDigest, reason: CONSENT_REASON };
  return giveConsent(work, caller, federationId, consent, { byMesh: false });
}

/**
 * An operator makes itself a mesh's admin token, where the configuration allows it, also while another is valid (S23).
 * @throws {Refusal} `break-glass-off`, `not-found`
 */
export async function tokenByBreakGlass(
  work: Work,
  allowed: boolean,
  asked: { meshId: MeshId; name: FreeText; expiresInSeconds: number; reason: FreeText },
): Promise<{ token: Token; secret: string }> {
  requireAllowed(allowed);
  const { meshId, name, expiresInSeconds, reason } = asked;
  if (!(await isMeshThere(work.tx, meshId))) throw notFound("/meshId");
  const made = await issueToken(work, { name, role: "mesh-admin", meshes: [meshId], expiresInSeconds });
  work.record({
    type: "break-glass.token-created",
    subjects: [`mesh/${meshId}`, `token/${made.token.tokenId}`],
    fields: { name, expiresAt: toRfc3339(made.token.expiresAt), reason },
    after: made.token,
  });
  return made;
}

function requireAllowed(allowed: boolean): void {
  if (!allowed) throw new Refusal("break-glass-off", "breakGlass is not set in the broker's configuration (S23)");
}
