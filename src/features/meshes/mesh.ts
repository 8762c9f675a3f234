import { Refusal } from "../../errors.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { FreeText } from "../../text.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "./mesh-id.ts";

/** What a control plane speaks. A mesh has a default; a poller may differ. */
export const DIALECTS = ["istio", "spire", "envoy", "consul", "kuma", "linkerd", "other"] as const;
export type Dialect = (typeof DIALECTS)[number];

/** One administrative domain of workloads. */
export interface Mesh {
  readonly meshId: MeshId;
  readonly displayName: FreeText;
  readonly dialect: Dialect;
  readonly dialectVersion: FreeText | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Other meshes' admins find it in the directory, and a proposal reaches it. */
  readonly listed: boolean;
  readonly registeredAt: EpochMs;
  readonly updatedAt: EpochMs;
}

/** What an admin may change of a mesh; absent members stay as they are. */
export interface MeshChange {
  readonly displayName?: FreeText;
  readonly dialect?: Dialect;
  readonly dialectVersion?: FreeText | null;
  /** Merged as RFC 7396: null removes a label. */
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly listed?: boolean;
}

/** S6 */
export const MAX_LABELS = 64;

/**
 * The mesh after the change, or the same object where nothing differs.
 * @throws {Refusal} `invalid-request` when the merged labels are too many (S6)
 */
export function changedMesh(mesh: Mesh, change: MeshChange, now: EpochMs): Mesh {
  const { labels, ...rest } = change;
  const merged = Object.entries({ ...mesh.labels, ...labels }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  if (merged.length > MAX_LABELS) {
    throw new Refusal("invalid-request", `the mesh would have more than ${MAX_LABELS} labels`, { pointer: "/labels" });
  }
  const next: Mesh = { ...mesh, ...rest, labels: Object.fromEntries(merged) };
  return JSON.stringify(next) === JSON.stringify(mesh) ? mesh : { ...next, updatedAt: now };
}

/** A mesh with the trust domain that it is, or asks to be, a member of. */
export interface RegisteredMesh extends Mesh {
  readonly trustDomain: TrustDomain;
  readonly membership: MembershipState;
  readonly suspension: Suspension | null;
  /** When the last suspension ended; null where there was none, and while one lasts. */
  readonly suspensionEndedAt: EpochMs | null;
}

/** An operator's word that nothing is served across to or from a mesh, until it is taken back. */
export interface Suspension {
  readonly at: EpochMs;
  /** The token that did it. */
  readonly by: string;
  readonly reason: FreeText;
}

/**
 * Whether a mesh belongs to a trust domain. `pending` until the owner's admin decides; only `granted` publishes,
 * reads and federates.
 */
export type MembershipState = "pending" | "granted" | "denied" | "expelled";
