import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { ConsentDecision } from "./consent.ts";
import type { Decided, Federation } from "./federation.ts";

/**
 * The owner of a party's trust domain refuses the federation (`deny`, `withdraw`) or allows it again (`grant`).
 */
export function decideVeto(
  federation: Federation,
  veto: { trustDomain: TrustDomain; owner: MeshId },
  decision: ConsentDecision,
  reason: string | null,
  now: EpochMs,
): Decided {
  const others = federation.vetoes.filter((v) => v.trustDomain !== veto.trustDomain);
  const stood = others.length < federation.vetoes.length;
  if (decision === "grant") {
    return stood
      ? { federation: { ...federation, vetoes: others, vetoLiftedAt: now, updatedAt: now }, changes: ["veto-lifted"] }
      : { federation, changes: [] };
  }
  if (stood) return { federation, changes: [] };
  return {
    federation: { ...federation, vetoes: [...others, { ...veto, at: now, reason }], updatedAt: now },
    changes: ["vetoed"],
  };
}
