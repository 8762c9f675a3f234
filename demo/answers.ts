/** What the story reads of the admin API's answers; the contract has the whole. */
export interface Problem {
  readonly code?: string;
}

export interface InvitationAnswer extends Problem {
  readonly token: string;
}

export interface MeshAnswer extends Problem {
  readonly membership: string;
  readonly token?: string;
}

export interface AuthorityAnswer extends Problem {
  readonly authorityId: string;
  readonly state: string;
}

export interface UploadAnswer extends Problem {
  readonly authorities: readonly AuthorityAnswer[];
}

export interface PollerAnswer extends Problem {
  readonly token: string;
  readonly urls: { readonly spiffe: string; readonly istio: string };
}

export interface FederationAnswer extends Problem {
  readonly federationId: string;
  readonly state: string;
}

export interface TokenAnswer extends Problem {
  readonly tokenId: string;
  readonly token: string;
}

export interface LedgerAnswer extends Problem {
  readonly asProvider: readonly { readonly meshId: string; readonly current: boolean }[];
}

export interface AuditEventAnswer {
  readonly position: number;
  readonly type: string;
  readonly at: string;
  readonly meshId: string | null;
  readonly actor: { readonly kind: string; readonly id: string } | null;
  readonly subjects: readonly string[];
  readonly outcome: "done" | "refused" | null;
  readonly detail: Readonly<Record<string, unknown>> | null;
}

export interface AuditAnswer extends Problem {
  readonly events: readonly AuditEventAnswer[];
  readonly next?: string;
}
