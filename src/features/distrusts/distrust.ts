import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";

/**
 * A mesh has stopped trusting one authority of a trust domain that it is served: what its pollers see of the domain lacks
 * it until that is lifted. Nobody else is told, or sees anything else.
 */
export interface Distrust {
  readonly distrustId: string;
  readonly meshId: MeshId;
  readonly trustDomain: TrustDomain;
  /** Of the authority. */
  readonly fingerprint: string;
  readonly reason: string;
  readonly createdAt: EpochMs;
  readonly createdBy: string;
  readonly liftedAt: EpochMs | null;
}
