/** How a mesh's CA is made. `p256-intermediate`: the root signs an intermediate, and only that signs workloads. */
export type CaKind = "p256-intermediate" | "rsa" | "ed25519";

/** What a mesh of the demo is. */
export interface MeshProfile {
  readonly meshId: string;
  readonly trustDomain: string;
  readonly caKind: CaKind;
  /** How its control plane polls: like SPIRE (https_spiffe), or like istiod (https_web, the istio projection). */
  readonly dialect: "spire" | "istio";
  /** Path of the SPIFFE ID of the workload that is called. */
  readonly server: `/${string}`;
  /** Path of the SPIFFE ID of the workload that calls. */
  readonly client: `/${string}`;
}
