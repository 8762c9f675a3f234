import { Refusal } from "../../errors.ts";
import type { JsonValue } from "../../json/json-value.ts";
import type { Warning } from "../../pki/authority.ts";
import type { FreeText } from "../../text.ts";
import type { EpochMs } from "../../time.ts";
import type { Contribution, ShownState } from "../authorities/contribution.ts";
import type { Direction } from "../federations/terms.ts";
import type { StatedFederation } from "../federations/wanted.ts";
import type { MeshChange, RegisteredMesh } from "../meshes/mesh.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { Poller, PollerChange } from "../pollers/poller.ts";
import type { TrustDomainRecord } from "../trust-domains/trust-domain-record.ts";

/** A whole mesh as its people keep it in Git. What is absent from it is left alone. */
export interface MeshDocument {
  /** Its labels, where there are any, are all that the mesh has. */
  readonly mesh: Omit<MeshChange, "labels"> & { readonly labels?: Readonly<Record<string, string>> };
  /** The mesh's own, of which it is the owner. */
  readonly trustDomain?: { readonly refreshHintSeconds?: number; readonly public?: boolean };
  readonly authorities: readonly WantedAuthority[];
  readonly pollers: readonly WantedPoller[];
  readonly federations: readonly WantedFederation[];
}

export interface WantedAuthority {
  /** One certificate, or one JWT signing key. */
  readonly upload: { readonly pem: string } | { readonly jwk: JsonValue };
  /** Whatever it is where absent. */
  readonly state: Exclude<ShownState, "claimed"> | undefined;
}

/** A control plane that can poll, known by its name. */
export type WantedPoller = PollerChange & { readonly name: FreeText };

export interface WantedFederation {
  readonly peer: MeshId;
  /** Both directions where undefined. */
  readonly trust: readonly Direction[] | undefined;
  /** Undefined where any end, or none, will do. */
  readonly expiresAt: EpochMs | null | undefined;
  readonly reason: FreeText | null;
}

/** What putting the document did to one thing that it names. */
export type Outcome = "created" | "changed" | "unchanged";

/** What of a mesh is not over: what a document of it names. */
export interface StandingMesh {
  readonly mesh: RegisteredMesh;
  /** Undefined where another mesh is its owner. */
  readonly trustDomain: TrustDomainRecord | undefined;
  readonly authorities: readonly Contribution[];
  readonly pollers: readonly Poller[];
  readonly federations: readonly StatedFederation[];
}

export interface PutAuthority {
  readonly contribution: Contribution;
  readonly outcome: Outcome;
}

export interface PutPoller {
  readonly poller: Poller;
  readonly outcome: Outcome;
  /** Of one that was created; in this answer and nowhere else. */
  readonly token?: string;
}

export interface PutFederation extends StatedFederation {
  readonly outcome: Outcome;
}

export interface PutMesh {
  readonly mesh: Outcome;
  /** Undefined where the document says nothing of it. */
  readonly trustDomain: Outcome | undefined;
  readonly authorities: readonly PutAuthority[];
  readonly pollers: readonly PutPoller[];
  readonly federations: readonly PutFederation[];
  readonly warnings: readonly Warning[];
  /** What stands of the mesh and is absent from the document. */
  readonly unmanaged: Pick<StandingMesh, "authorities" | "pollers" | "federations">;
}

/** The change after which a mesh has these labels and no others. */
export const onlyLabels = (
  current: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): Readonly<Record<string, string | null>> => ({
  ...Object.fromEntries(Object.keys(current).map((name) => [name, null])),
  ...wanted,
});

/**
 * Says of what is refused where in the document it stands.
 * @param members of the single call, as the document calls them: `/to` is its `/state`
 */
export async function within<T>(
  place: string,
  act: () => T | Promise<T>,
  members: Readonly<Record<string, string>> = {},
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, message, pointer = "", extra, cause } = error;
    throw new Refusal(code, message, { pointer: place + (members[pointer] ?? pointer), extra, cause });
  }
}

/** @throws {Refusal} `invalid-request` at the second of two that are one and the same thing */
export function requireEachOnce(place: string, keys: readonly string[]): void {
  const second = keys.findIndex((key, index) => keys.indexOf(key) < index);
  if (second < 0) return;
  throw new Refusal("invalid-request", `the document names ${keys[second]} twice`, { pointer: `${place}/${second}` });
}

/**
 * The state in which an authority is registered that the mesh did not have; undefined for the default.
 * @throws {Refusal} `impossible-transition`
 */
export function initialState(state: WantedAuthority["state"]): "prepared" | "active" | undefined {
  if (state === undefined || state === "prepared" || state === "active") return state;
  throw new Refusal("impossible-transition", `an authority that is new cannot be ${state}`, {
    pointer: "/state",
    extra: { possible: ["prepared", "active"] },
  });
}
