// Generated from the contract by "npm run generate"; a test fails when it drifts.
/** RFC 9457 problem document. */
export type Problem = {
  /** `urn:entente:error:<code>` */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Stable; see docs/errors.md. */
  readonly code: string;
  readonly detail: string;
  /** What to do about it. */
  readonly mend: string;
  /** RFC 6901 JSON pointer to the wrong member of the body. */
  readonly pointer?: string;
  /** The wrong parameter, where it is not the body. */
  readonly parameter?: {
    readonly in: "path" | "query" | "header";
    readonly name: string;
  };
  /** Of a PEM text that `pointer` names, which block, from 1. */
  readonly block?: number;
  readonly requestId: string;
  readonly [member: string]: unknown;
};

export type NewInvitation = {
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId?: string;
  /** Default 7 days. */
  readonly expiresInSeconds?: number;
};

export type CreatedInvitation = {
  readonly invitationId: string;
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  readonly meshId: string | null;
  readonly state: "open" | "spent" | "void" | "revoked" | "expired";
  /** Refused registrations; the tenth voids it. */
  readonly refusals: number;
  /** When it was made. */
  readonly createdAt: string;
  readonly createdBy: string;
  /** When it ends. */
  readonly expiresAt: string;
  readonly spentAt: string | null;
  readonly spentBy: string | null;
  readonly revokedAt: string | null;
  /** The bearer secret for POST /v1/meshes; shown once, good for one registration. */
  readonly token: string;
};

/** What a change would do. */
export type DryRun = {
  readonly dryRun: true;
  /** What the change would answer, without a secret. The ID of what it would make is another when it is made. */
  readonly answer: unknown;
  /** The revisions that it would make. */
  readonly revisions: readonly {
    readonly trustDomain: string;
    /** Of the new revision, also where no authority comes or goes. */
    readonly refreshHintSeconds: number;
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly consumers: readonly string[];
  }[];
  /** Who would gain or lose a bundle. */
  readonly access: readonly {
    readonly meshId: string;
    readonly trustDomain: string;
    /** granted, regranted, changed, distrust-changed, withdrawn or removed. */
    readonly change: string;
  }[];
};

export type Invitation = {
  readonly invitationId: string;
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  readonly meshId: string | null;
  readonly state: "open" | "spent" | "void" | "revoked" | "expired";
  /** Refused registrations; the tenth voids it. */
  readonly refusals: number;
  /** When it was made. */
  readonly createdAt: string;
  readonly createdBy: string;
  /** When it ends. */
  readonly expiresAt: string;
  readonly spentAt: string | null;
  readonly spentBy: string | null;
  readonly revokedAt: string | null;
};

export type InvitationList = {
  readonly invitations: readonly Invitation[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type NewMesh = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  /** How people call it; the mesh ID where absent. */
  readonly displayName?: string;
  /** What the control plane speaks. */
  readonly dialect?: "istio" | "spire" | "envoy" | "consul" | "kuma" | "linkerd" | "other";
  /** Version of the control plane. */
  readonly dialectVersion?: string;
  /** At most 64. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Other meshes' admins find it in the directory. Default true. */
  readonly listed?: boolean;
};

export type RegisteredMesh = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  /** Until `granted` by the trust domain's owner it publishes, reads and federates nothing. */
  readonly membership: "pending" | "granted" | "denied" | "expelled";
  readonly displayName: string;
  /** What the control plane speaks. */
  readonly dialect: "istio" | "spire" | "envoy" | "consul" | "kuma" | "linkerd" | "other";
  readonly dialectVersion: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly listed: boolean;
  readonly suspendedAt: string | null;
  /** When it was registered. */
  readonly registeredAt: string;
  /** When it last changed. */
  readonly updatedAt: string;
  readonly links: {
    readonly events: string;
    readonly authorities: string;
    readonly pollers: string;
    readonly deliveries: string;
  };
  /** The first mesh-admin token, to a bearer of an invitation; shown once. */
  readonly token?: string;
};

export type Mesh = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  /** Until `granted` by the trust domain's owner it publishes, reads and federates nothing. */
  readonly membership: "pending" | "granted" | "denied" | "expelled";
  readonly displayName: string;
  /** What the control plane speaks. */
  readonly dialect: "istio" | "spire" | "envoy" | "consul" | "kuma" | "linkerd" | "other";
  readonly dialectVersion: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly listed: boolean;
  readonly suspendedAt: string | null;
  /** When it was registered. */
  readonly registeredAt: string;
  /** When it last changed. */
  readonly updatedAt: string;
  readonly links: {
    readonly events: string;
    readonly authorities: string;
    readonly pollers: string;
    readonly deliveries: string;
  };
};

export type MeshList = {
  readonly meshes: readonly Mesh[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type Directory = {
  readonly meshes: readonly {
    /** Mesh ID: an RFC 1123 label. */
    readonly meshId: string;
    /** SPIFFE trust domain name. */
    readonly trustDomain: string;
    readonly displayName: string;
  }[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

/** JSON merge patch. */
export type MeshChange = {
  /** How people call it. */
  readonly displayName?: string;
  /** What the control plane speaks. */
  readonly dialect?: "istio" | "spire" | "envoy" | "consul" | "kuma" | "linkerd" | "other";
  readonly dialectVersion?: string | null;
  /** Merged (RFC 7396): null removes a label. */
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly listed?: boolean;
};

/** A whole mesh. What is absent is left alone. */
export type MeshDocument = {
  readonly mesh: {
    /** How people call it. */
    readonly displayName?: string;
    /** What the control plane speaks. */
    readonly dialect?: "istio" | "spire" | "envoy" | "consul" | "kuma" | "linkerd" | "other";
    readonly dialectVersion?: string | null;
    /** At most 64: all that the mesh has, where they are here. */
    readonly labels?: Readonly<Record<string, string>>;
    readonly listed?: boolean;
  };
  /** For the owner of the trust domain alone. */
  readonly trustDomain?: {
    /** Under 60 is answered with a warning: SPIRE polls once a minute at most. */
    readonly refreshHintSeconds?: number;
    readonly public?: boolean;
  };
  readonly authorities?: readonly {
    /** One CA certificate. */
    readonly pem?: string;
    /** One JWT signing key (RFC 7517), public members only. */
    readonly jwk?: Readonly<Record<string, unknown>>;
    /** It is moved there by the rules of a transition. Left as it is where absent. */
    readonly state?: "prepared" | "active" | "retiring" | "retired" | "revoked";
  }[];
  readonly pollers?: readonly {
    /** By which the poller is known. */
    readonly name: string;
    readonly cluster?: string | null;
    readonly dialect?: "istio" | "spire" | "envoy" | "consul" | "kuma" | "linkerd" | "other" | null;
    readonly dialectVersion?: string | null;
    /** Replicas that fetch with this one URL. Default 1. */
    readonly replicas?: number;
  }[];
  readonly federations?: readonly {
    /** Mesh ID: an RFC 1123 label. */
    readonly peer: string;
    /** Both directions where absent. */
    readonly trust?: readonly {
      /** Mesh ID: an RFC 1123 label. */
      readonly consumer: string;
      /** Mesh ID: an RFC 1123 label. */
      readonly provider: string;
    }[];
    readonly expiresAt?: string | null;
    /** Why; both sides of the federation read it, in the federation itself. */
    readonly reason?: string;
  }[];
};

export type PutMesh = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  readonly mesh: "created" | "changed" | "unchanged";
  readonly trustDomain?: "created" | "changed" | "unchanged";
  readonly authorities: readonly {
    readonly authorityId: string;
    /** SHA-256 (hex) of the certificate, or the RFC 7638 thumbprint of the key. */
    readonly fingerprint: string;
    readonly state: "claimed" | "prepared" | "active" | "retiring" | "retired" | "revoked";
    readonly outcome: "created" | "changed" | "unchanged";
  }[];
  readonly pollers: readonly {
    readonly pollerId: string;
    readonly name: string;
    readonly outcome: "created" | "changed" | "unchanged";
  }[];
  readonly federations: readonly {
    readonly federationId: string;
    /** Mesh ID: an RFC 1123 label. */
    readonly peer: string;
    readonly state: "pending" | "active" | "suspended" | "denied" | "withdrawn" | "expired";
    readonly outcome: "created" | "changed" | "unchanged";
  }[];
  /** Of the pollers that were created; shown once. */
  readonly tokens: readonly {
    readonly pollerId: string;
    readonly name: string;
    /** Part of its URLs; shown once. It works in the path alone, never as a bearer. */
    readonly token: string;
    readonly urls: {
      /** For https_spiffe; put the trust domain for `{trustDomain}`. */
      readonly spiffe: string;
      /** For https_web. */
      readonly web: string;
      /** For istiod's spiffeBundleUrl. */
      readonly istio: string;
      /** The certificates as PEM. */
      readonly pem: string;
      /** The broker's own bundle, to bootstrap https_spiffe with. */
      readonly broker: string;
    };
  }[];
  /** What stands of the mesh and is absent from the document: left alone. */
  readonly unmanaged: {
    readonly authorities: readonly {
      readonly authorityId: string;
      /** SHA-256 (hex) of the certificate, or the RFC 7638 thumbprint of the key. */
      readonly fingerprint: string;
      readonly state: "claimed" | "prepared" | "active" | "retiring" | "retired" | "revoked";
    }[];
    readonly pollers: readonly {
      readonly pollerId: string;
      readonly name: string;
    }[];
    readonly federations: readonly {
      readonly federationId: string;
      /** Mesh ID: an RFC 1123 label. */
      readonly peer: string;
      readonly state: "pending" | "active" | "suspended" | "denied" | "withdrawn" | "expired";
    }[];
  };
  readonly warnings: readonly {
    readonly code: string;
    readonly message: string;
    /** RFC 6901 JSON pointer into the body. */
    readonly pointer: string;
    /** Of a PEM text, which block, from 1. */
    readonly block?: number;
  }[];
};

export type NewSuspension = {
  /** Why, for the audit trail and the mesh's own people; its peers do not see it. */
  readonly reason: string;
};

export type Suspension = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  /** Since when nothing is served across. */
  readonly suspendedAt: string;
  /** The operator's token. */
  readonly suspendedBy: string;
  readonly reason: string;
};

export type TrustDomain = {
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  readonly owner: string | null;
  readonly members: readonly string[];
  readonly sequence: number | null;
  /** How often consumers should fetch. */
  readonly refreshHintSeconds: number;
  /** Anybody may fetch the bundle under /bundles/{trustDomain}. */
  readonly public: boolean;
  /** When it was first registered. */
  readonly createdAt: string;
  /** When its settings last changed. */
  readonly updatedAt: string;
  readonly links: {
    readonly events: string;
    readonly revisions: string;
    readonly memberships: string;
  };
};

export type TrustDomainList = {
  readonly trustDomains: readonly TrustDomain[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

/** JSON merge patch. */
export type TrustDomainChange = {
  /** Under 60 is answered with a warning: SPIRE polls once a minute at most. */
  readonly refreshHintSeconds?: number;
  readonly public?: boolean;
};

export type ChangedTrustDomain = {
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  readonly owner: string | null;
  readonly members: readonly string[];
  readonly sequence: number | null;
  /** How often consumers should fetch. */
  readonly refreshHintSeconds: number;
  /** Anybody may fetch the bundle under /bundles/{trustDomain}. */
  readonly public: boolean;
  /** When it was first registered. */
  readonly createdAt: string;
  /** When its settings last changed. */
  readonly updatedAt: string;
  readonly links: {
    readonly events: string;
    readonly revisions: string;
    readonly memberships: string;
  };
  readonly warnings: readonly {
    readonly code: string;
    readonly message: string;
    /** RFC 6901 JSON pointer into the body. */
    readonly pointer: string;
    /** Of a PEM text, which block, from 1. */
    readonly block?: number;
  }[];
};

export type Membership = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  readonly state: "pending" | "granted" | "denied" | "expelled";
  /** When the mesh registered. */
  readonly requestedAt: string;
  readonly decidedAt: string | null;
  readonly reason: string | null;
};

export type MembershipList = {
  readonly memberships: readonly Membership[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type MembershipDecision = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  readonly decision: "grant" | "deny" | "expel";
  /** Why, for the audit trail of one's own side; the other side of a federation does not read it. */
  readonly reason?: string;
  /** Expel also where nothing would be left in the trust domain's bundle. */
  readonly force?: boolean;
};

export type NewTransfer = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  /** Why, for the audit trail of one's own side; the other side of a federation does not read it. */
  readonly reason?: string;
};

export type Transfer = {
  readonly transferId: string;
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  /** Mesh ID: an RFC 1123 label. */
  readonly from: string;
  /** Mesh ID: an RFC 1123 label. */
  readonly to: string;
  /** `lapsed`: whoever offered it is not the owner any more, or the mesh that it was offered to ceased to be a member. */
  readonly state: "offered" | "accepted" | "declined" | "withdrawn" | "lapsed";
  /** When the owner offered it. */
  readonly offeredAt: string;
  readonly offeredReason: string | null;
  readonly decidedAt: string | null;
  readonly decidedReason: string | null;
};

export type TransferList = {
  readonly transfers: readonly Transfer[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type TransferDecision = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  /** The member accepts or declines; the owner withdraws its offer. */
  readonly decision: "accept" | "decline" | "withdraw";
  /** Why, for the audit trail of one's own side; the other side of a federation does not read it. */
  readonly reason?: string;
};

export type Revision = {
  /** `spiffe_sequence` under which it was served. */
  readonly sequence: number;
  /** Event-log position of the change. */
  readonly position: number;
  /** SHA-256 over keys and hint. */
  readonly digest: string;
  readonly refreshHintSeconds: number;
  /** When it was published. */
  readonly at: string;
  readonly cause: string | null;
  readonly meshId: string | null;
  readonly actor: string | null;
  readonly reason: string | null;
  /** Fingerprints that the revision before did not hold. */
  readonly added: readonly string[];
  /** Fingerprints that only the revision before held. */
  readonly removed: readonly string[];
  readonly links: {
    /** Absent where the event is not for the reader to see. */
    readonly event?: string;
  };
};

export type RevisionList = {
  readonly revisions: readonly Revision[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type RevisionWithBundle = {
  /** `spiffe_sequence` under which it was served. */
  readonly sequence: number;
  /** Event-log position of the change. */
  readonly position: number;
  /** SHA-256 over keys and hint. */
  readonly digest: string;
  readonly refreshHintSeconds: number;
  /** When it was published. */
  readonly at: string;
  readonly cause: string | null;
  readonly meshId: string | null;
  readonly actor: string | null;
  readonly reason: string | null;
  /** Fingerprints that the revision before did not hold. */
  readonly added: readonly string[];
  /** Fingerprints that only the revision before held. */
  readonly removed: readonly string[];
  readonly links: {
    /** Absent where the event is not for the reader to see. */
    readonly event?: string;
  };
  /** The SPIFFE bundle document as it was served. */
  readonly bundle: Readonly<Record<string, unknown>>;
};

/** Exactly one of `pem`, `jwk` and `bundle`. */
export type AuthorityUpload = {
  /** CA certificates, several blocks allowed. */
  readonly pem?: string;
  /** One JWT signing key (RFC 7517), public members only. */
  readonly jwk?: Readonly<Record<string, unknown>>;
  /** A whole SPIFFE bundle; its sequence and hint are noted, not used. */
  readonly bundle?: Readonly<Record<string, unknown>>;
  /** Default: active for the first of a trust domain, prepared for later ones. */
  readonly state?: "prepared" | "active";
  /** Also keys that another trust domain holds unproved: they are `claimed` and not published until proved. */
  readonly claim?: boolean;
};

export type Authority = {
  readonly authorityId: string;
  readonly trustDomain: string;
  readonly type: "x509" | "jwt";
  readonly state: "claimed" | "prepared" | "active" | "retiring" | "retired" | "revoked";
  /** Whether this mesh has proved that it holds the key. */
  readonly proved: boolean;
  readonly provedAt: string | null;
  /** SHA-256 (hex) of the certificate, or the RFC 7638 thumbprint of the key. */
  readonly fingerprint: string;
  /** SHA-256 (hex) of the SubjectPublicKeyInfo. */
  readonly keyFingerprint: string;
  readonly keyId: string | null;
  /** RSA, P-256, P-384, P-521 or Ed25519. */
  readonly keyType: string;
  readonly subject: string | null;
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  /** When this mesh registered it. */
  readonly createdAt: string;
  /** When its state last changed. */
  readonly changedAt: string;
  readonly reason: string | null;
  readonly links: {
    readonly events: string;
  };
};

export type RegisteredAuthorities = {
  readonly authorities: readonly Authority[];
  readonly warnings: readonly {
    readonly code: string;
    readonly message: string;
    /** RFC 6901 JSON pointer into the body. */
    readonly pointer: string;
    /** Of a PEM text, which block, from 1. */
    readonly block?: number;
  }[];
};

export type AuthorityList = {
  readonly authorities: readonly Authority[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type Transition = {
  readonly to: "prepared" | "active" | "retiring" | "retired" | "revoked";
  /** Why, for the audit trail of one's own side; the other side of a federation does not read it. */
  readonly reason?: string;
  /** Also when it leaves the bundle empty: every consumer then stops trusting the trust domain. */
  readonly force?: boolean;
};

export type ProofChallenge = {
  /** 256 random bits in base64url. */
  readonly nonce: string;
  /** The one URI name of a certificate, or the subject of a JWT-SVID. */
  readonly spiffeId: string;
  /** What a signature or a JWS is over, in UTF-8. */
  readonly signedText: string;
  /** Until when it can be answered, once. */
  readonly expiresAt: string;
};

/** Exactly one of `certificate`, `signature` and `jws`. */
export type Proof = {
  /** PEM: a leaf that the CA issued for `spiffeId`, then the intermediates that lead to the CA. */
  readonly certificate?: string;
  /** Of `signedText` in base64url: RSA PKCS #1 v1.5 or PSS and ECDSA (DER or IEEE P1363) with SHA-256, Ed25519. */
  readonly signature?: string;
  /** Compact JWS of `signedText`, or a JWT-SVID for `spiffeId`. */
  readonly jws?: string;
};

export type NewSharedKeyAllowance = {
  readonly trustDomains: readonly string[];
  /** SHA-256 (hex) of the SubjectPublicKeyInfo. */
  readonly keyFingerprint?: string;
  /** Why both may hold the key; required. */
  readonly reason: string;
};

export type SharedKeyAllowance = {
  readonly allowanceId: string;
  readonly trustDomains: readonly string[];
  readonly keyFingerprint: string | null;
  readonly reason: string;
  /** When it was allowed. */
  readonly createdAt: string;
  readonly createdBy: string;
};

export type SharedKeyAllowanceList = {
  readonly sharedKeyAllowances: readonly SharedKeyAllowance[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type NewFederation = {
  /** Mesh ID: an RFC 1123 label. */
  readonly proposer: string;
  /** The other mesh; may be absent where a code says which. */
  readonly peer?: string;
  /** A federation code of the other mesh, which consents by it: its own terms hold where it has some. The way to a mesh that is not listed. */
  readonly code?: string;
  /** Both directions where absent. */
  readonly trust?: readonly {
    /** Mesh ID: an RFC 1123 label. */
    readonly consumer: string;
    /** Mesh ID: an RFC 1123 label. */
    readonly provider: string;
  }[];
  /** When the federation ends by itself. */
  readonly expiresAt?: string;
  /** Why; both sides of the federation read it. An operator's, which consents for nobody, the proposer's people alone. */
  readonly reason?: string;
};

export type Terms = {
  readonly parties: readonly {
    /** Mesh ID: an RFC 1123 label. */
    readonly meshId: string;
    /** SPIFFE trust domain name. */
    readonly trustDomain: string;
  }[];
  readonly trust: readonly {
    /** Mesh ID: an RFC 1123 label. */
    readonly consumer: string;
    /** Mesh ID: an RFC 1123 label. */
    readonly provider: string;
  }[];
  readonly expiresAt: string | null;
  /** SHA-256 of the terms: what a consent binds. */
  readonly termsDigest: string;
};

export type TermsProposal = {
  readonly terms: Terms;
  readonly proposedBy: string | null;
  readonly grantedBy: readonly string[];
  /** Published fingerprints of each trust domain as of the proposal. */
  readonly authorities: Readonly<Record<string, readonly string[]>>;
  /** When it was proposed. */
  readonly at: string;
  readonly reason: string | null;
};

export type Condition = {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  /** Of the fact that decides it. */
  readonly lastTransitionTime: string;
};

export type Federation = {
  readonly federationId: string;
  /** Mesh ID: an RFC 1123 label. */
  readonly proposer: string;
  readonly state: "pending" | "active" | "suspended" | "denied" | "withdrawn" | "expired";
  readonly terms: Terms;
  /** Published fingerprints of each trust domain as of the proposal. */
  readonly authorities: Readonly<Record<string, readonly string[]>>;
  readonly proposal: TermsProposal | null;
  readonly consents: readonly {
    /** Mesh ID: an RFC 1123 label. */
    readonly meshId: string;
    readonly decision: "pending" | "granted" | "denied" | "withdrawn";
    readonly termsDigest: string | null;
    /** When it was said. */
    readonly at: string;
    readonly reason: string | null;
  }[];
  readonly vetoes: readonly {
    /** SPIFFE trust domain name. */
    readonly trustDomain: string;
    readonly owner: string | null;
    /** When. */
    readonly at: string;
    readonly reason: string | null;
  }[];
  readonly lastWord: {
    readonly meshId: string | null;
    readonly said: "proposed" | "granted" | "denied" | "withdrawn" | "vetoed" | "veto-lifted" | "terms-proposed" | "terms-agreed" | "terms-declined" | "terms-narrowed";
    /** When. */
    readonly at: string;
    readonly reason: string | null;
  } | null;
  readonly conditions: readonly Condition[];
  /** When it was proposed first. */
  readonly createdAt: string;
  /** When a side last decided. */
  readonly updatedAt: string;
  readonly links: {
    readonly events: string;
  };
};

export type FederationList = {
  readonly federations: readonly Federation[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type ConsentDecision = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  /** A side grants, denies or withdraws. The owner of a side's trust domain vetoes with `deny` and allows again with `grant`. */
  readonly decision: "grant" | "deny" | "withdraw";
  /** Of the terms that you read, `terms` or `proposal.terms`; others answer 409. A grant must name it where the terms were changed since the proposal, or others are proposed beside the agreed ones. */
  readonly termsDigest?: string;
  /** Why; both sides of the federation read it, in the federation itself. */
  readonly reason?: string;
};

export type TermsChange = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  /** Both directions where absent. */
  readonly trust?: readonly {
    /** Mesh ID: an RFC 1123 label. */
    readonly consumer: string;
    /** Mesh ID: an RFC 1123 label. */
    readonly provider: string;
  }[];
  readonly expiresAt?: string | null;
  /** Why; both sides of the federation read it, in the federation itself. */
  readonly reason?: string;
};

/** What is absent of `trust` and `federationExpiresAt` is left to whoever proposes with the code. */
export type NewFederationCode = {
  /** Of the code. Default 7 days. */
  readonly expiresInSeconds?: number;
  /** What this mesh is to the one that proposes with the code: as a consumer it trusts it, as a provider it is trusted. */
  readonly trust?: readonly ("consumer" | "provider")[];
  /** When the federation ends by itself. */
  readonly federationExpiresAt?: string;
  /** Why; both sides of the federation read it, in the federation itself. */
  readonly reason?: string;
};

export type CreatedFederationCode = {
  readonly codeId: string;
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  readonly state: "open" | "spent" | "revoked" | "expired";
  readonly trust: readonly ("consumer" | "provider")[] | null;
  readonly federationExpiresAt: string | null;
  readonly reason: string | null;
  /** When it was made. */
  readonly createdAt: string;
  /** The token that made it. */
  readonly createdBy: string;
  /** When it ends. */
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  readonly spentAt: string | null;
  readonly spentBy: string | null;
  readonly federationId: string | null;
  /** For the `code` of one POST /v1/federations; shown once. It is no bearer: it opens nothing else. */
  readonly code: string;
};

export type FederationCode = {
  readonly codeId: string;
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  readonly state: "open" | "spent" | "revoked" | "expired";
  readonly trust: readonly ("consumer" | "provider")[] | null;
  readonly federationExpiresAt: string | null;
  readonly reason: string | null;
  /** When it was made. */
  readonly createdAt: string;
  /** The token that made it. */
  readonly createdBy: string;
  /** When it ends. */
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  readonly spentAt: string | null;
  readonly spentBy: string | null;
  readonly federationId: string | null;
};

export type FederationCodeList = {
  readonly federationCodes: readonly FederationCode[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type NewPoller = {
  /** What the control plane is called. */
  readonly name: string;
  /** The cluster that it runs in. */
  readonly cluster?: string;
  /** What the control plane speaks. */
  readonly dialect?: "istio" | "spire" | "envoy" | "consul" | "kuma" | "linkerd" | "other";
  /** If other than the mesh's. */
  readonly dialectVersion?: string;
  /** Replicas that fetch with this one URL. Default 1. */
  readonly replicas?: number;
  /** It does not expire where absent. */
  readonly expiresInSeconds?: number;
};

export type CreatedPoller = {
  readonly pollerId: string;
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  readonly name: string;
  readonly cluster: string | null;
  readonly dialect: "istio" | "spire" | "envoy" | "consul" | "kuma" | "linkerd" | "other" | null;
  readonly dialectVersion: string | null;
  readonly replicas: number;
  /** When it was made. */
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly rotatedAt: string | null;
  readonly formerUrlsUntil: string | null;
  readonly conditions: readonly Condition[];
  /** Part of its URLs; shown once. It works in the path alone, never as a bearer. */
  readonly token: string;
  readonly urls: {
    /** For https_spiffe; put the trust domain for `{trustDomain}`. */
    readonly spiffe: string;
    /** For https_web. */
    readonly web: string;
    /** For istiod's spiffeBundleUrl. */
    readonly istio: string;
    /** The certificates as PEM. */
    readonly pem: string;
    /** The broker's own bundle, to bootstrap https_spiffe with. */
    readonly broker: string;
  };
};

export type Poller = {
  readonly pollerId: string;
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  readonly name: string;
  readonly cluster: string | null;
  readonly dialect: "istio" | "spire" | "envoy" | "consul" | "kuma" | "linkerd" | "other" | null;
  readonly dialectVersion: string | null;
  readonly replicas: number;
  /** When it was made. */
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly rotatedAt: string | null;
  readonly formerUrlsUntil: string | null;
  readonly conditions: readonly Condition[];
};

export type PollerList = {
  readonly pollers: readonly Poller[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

/** JSON merge patch. */
export type PollerChange = {
  /** What the control plane is called. */
  readonly name?: string;
  readonly cluster?: string | null;
  readonly dialect?: "istio" | "spire" | "envoy" | "consul" | "kuma" | "linkerd" | "other" | null;
  readonly dialectVersion?: string | null;
  /** Replicas that fetch with this one URL. Default 1. */
  readonly replicas?: number;
};

export type RevokedPoller = {
  readonly pollerId: string;
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  readonly name: string;
  readonly cluster: string | null;
  readonly dialect: "istio" | "spire" | "envoy" | "consul" | "kuma" | "linkerd" | "other" | null;
  readonly dialectVersion: string | null;
  readonly replicas: number;
  /** When it was made. */
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly rotatedAt: string | null;
  readonly formerUrlsUntil: string | null;
  readonly conditions: readonly Condition[];
  /** Bundles that it still holds, and trusts until they are taken from it. */
  readonly holds: readonly {
    readonly trustDomain: string;
    readonly sequence: number;
    /** When it fetched it last. */
    readonly at: string;
  }[];
};

export type PollerRotation = {
  /** How long the URL that it has still serves. Default 24 hours, at most 7 days. */
  readonly overlapSeconds?: number;
};

export type Delivery = {
  readonly pollerId: string;
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  /** The `spiffe_sequence` that it was served last. */
  readonly sequence: number;
  /** Position of that revision; null for a tombstone. */
  readonly revision: number | null;
  readonly projection: "spiffe" | "istio" | "pem";
  /** When it was served last. */
  readonly at: string;
  /** It is the revision that the trust domain publishes now: false of the empty bundle after an access ended, true until then. A consumer that distrusts an authority is served the same revision without it, under a greater `sequence`. */
  readonly current: boolean;
};

export type DeliveryList = {
  readonly deliveries: readonly Delivery[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type Holder = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  /** Opaque: the same for the same poller. */
  readonly pollerId: string;
  readonly sequence: number | null;
  /** When it was served last. */
  readonly at: string;
  /** It is the revision that the trust domain publishes now: false of the empty bundle after an access ended, true until then. A consumer that distrusts an authority is served the same revision without it, under a greater `sequence`. */
  readonly current: boolean;
};

export type HolderList = {
  readonly deliveries: readonly Holder[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type NewDistrust = {
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  /** Of the authority, as a revision names it. */
  readonly fingerprint: string;
  /** Why; nobody but the mesh's own people, operators and auditors sees it. */
  readonly reason: string;
  /** Also where no other authority is left in the bundle. */
  readonly force?: boolean;
};

export type Distrust = {
  readonly distrustId: string;
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  /** Of the authority, as a revision names it. */
  readonly fingerprint: string;
  readonly reason: string;
  /** When it was made. */
  readonly createdAt: string;
  readonly createdBy: string;
  readonly liftedAt: string | null;
};

export type DistrustList = {
  readonly distrusts: readonly Distrust[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type NewToken = {
  /** What it is for. */
  readonly name: string;
  /** operator and auditor speak for no mesh; the others name theirs. */
  readonly role: "operator" | "mesh-admin" | "mesh-viewer" | "auditor";
  /** Of a mesh-admin or mesh-viewer. */
  readonly meshes?: readonly string[];
  /** Default 90 days, at most 366. */
  readonly expiresInSeconds?: number;
};

export type CreatedToken = {
  readonly tokenId: string;
  readonly name: string;
  /** operator and auditor speak for no mesh; the others name theirs. */
  readonly role: "operator" | "mesh-admin" | "mesh-viewer" | "auditor";
  readonly meshes: readonly string[];
  /** When it was made. */
  readonly createdAt: string;
  /** The token or invitation that made it. */
  readonly createdBy: string;
  /** When it ends. */
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  readonly lastUsedAt: string | null;
  /** The bearer secret; shown once. */
  readonly token: string;
};

export type Token = {
  readonly tokenId: string;
  readonly name: string;
  /** operator and auditor speak for no mesh; the others name theirs. */
  readonly role: "operator" | "mesh-admin" | "mesh-viewer" | "auditor";
  readonly meshes: readonly string[];
  /** When it was made. */
  readonly createdAt: string;
  /** The token or invitation that made it. */
  readonly createdBy: string;
  /** When it ends. */
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  readonly lastUsedAt: string | null;
};

export type TokenList = {
  readonly tokens: readonly Token[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type TokenRotation = {
  /** How long the old token still works, not beyond its own end; 0 ends it at once. Default 24 hours. */
  readonly overlapSeconds?: number;
};

export type RotatedToken = {
  readonly tokenId: string;
  readonly name: string;
  /** operator and auditor speak for no mesh; the others name theirs. */
  readonly role: "operator" | "mesh-admin" | "mesh-viewer" | "auditor";
  readonly meshes: readonly string[];
  /** When it was made. */
  readonly createdAt: string;
  /** The token or invitation that made it. */
  readonly createdBy: string;
  /** When it ends. */
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  readonly lastUsedAt: string | null;
  /** The bearer secret; shown once. */
  readonly token: string;
  readonly predecessor: {
    readonly tokenId: string;
    /** When the old token ends. */
    readonly expiresAt: string;
  };
};

export type BreakGlassConsent = {
  readonly federationId: string;
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  /** As that mesh's own admin would say it. */
  readonly decision: "grant" | "deny" | "withdraw";
  /** Of the terms that you read, `terms` or `proposal.terms`; others answer 409. A grant must name it where the terms were changed since the proposal, or others are proposed beside the agreed ones. */
  readonly termsDigest?: string;
  /** Why the glass is broken: the mesh's own people read it. */
  readonly reason: string;
};

export type BreakGlassToken = {
  /** Mesh ID: an RFC 1123 label. */
  readonly meshId: string;
  /** What it is for. */
  readonly name: string;
  /** Default 1 hour, at most 24. */
  readonly expiresInSeconds?: number;
  /** Why the glass is broken: the mesh's own people read it. */
  readonly reason: string;
};

export type Broker = {
  /** SPIFFE trust domain name. */
  readonly trustDomain: string;
  /** The high part of every sequence; a restore raises it. */
  readonly generation: number;
  /** Of the broker's own bundle. */
  readonly refreshHintSeconds: number;
  /** What is published of the broker's CAs, newest first. */
  readonly certificateAuthorities: readonly {
    readonly authorityId: string;
    /** SHA-256 (hex) of the certificate. */
    readonly fingerprint: string;
    /** `prepared`: published, issues nothing yet. `active`: issues. `retiring`: published, issues no more. */
    readonly state: "prepared" | "active" | "retiring";
    /** When it came to this state. */
    readonly changedAt: string;
    /** Its certificate's. */
    readonly notBefore: string;
    /** Its certificate's. */
    readonly notAfter: string;
  }[];
  readonly nextStep: {
    /** `start`: a roll-over begins by itself. `activate`: the prepared CA issues. `retire`: a former one leaves the bundle. */
    readonly step: "start" | "activate" | "retire";
    readonly fingerprint: string | null;
    /** When, at the earliest. */
    readonly at: string;
  } | null;
};

export type NewCaRollover = {
  /** Why, for the audit trail. */
  readonly reason?: string;
};

export type AuditEvent = {
  /** Place in the event log: the broker's only clock of order. */
  readonly position: number;
  readonly eventId: string | null;
  readonly type: string;
  /** When it was committed. */
  readonly at: string;
  readonly meshId: string | null;
  readonly actor: {
    readonly kind: string;
    readonly id: string;
  } | null;
  readonly source: string | null;
  readonly subjects: readonly string[];
  readonly outcome: "done" | "refused" | null;
  readonly requestId: string | null;
  readonly detail: Readonly<Record<string, unknown>> | null;
};

export type AuditEventList = {
  readonly events: readonly AuditEvent[];
  /** Cursor of the next page; absent on the last. */
  readonly next?: string;
};

export type Health = {
  readonly status: "ok" | "not-ready";
  readonly reasons?: readonly string[];
};

/** Every `code` of a problem document. */
export type ErrorCode =
  | "invalid-request"
  | "invalid-json"
  | "duplicate-member"
  | "too-complex"
  | "invalid-text"
  | "invalid-trust-domain"
  | "invalid-spiffe-id"
  | "invalid-mesh-id"
  | "body-too-large"
  | "unsupported-media-type"
  | "method-not-allowed"
  | "invalid-cursor"
  | "not-acceptable"
  | "invalid-label-selector"
  | "precondition-required"
  | "precondition-failed"
  | "idempotency-key-reused"
  | "idempotency-key-in-use"
  | "secret-already-shown"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "too-many-requests"
  | "invalid-pem"
  | "private-key-submitted"
  | "certificate-unreadable"
  | "certificate-not-canonical"
  | "certificate-not-v3"
  | "certificate-not-ca"
  | "certificate-key-usage"
  | "certificate-serial"
  | "certificate-subject-empty"
  | "certificate-extensions"
  | "certificate-key-not-allowed"
  | "certificate-signature-algorithm"
  | "certificate-self-signature"
  | "certificate-expired"
  | "certificate-validity"
  | "certificate-spiffe-id"
  | "invalid-bundle"
  | "bundle-too-large"
  | "bundle-entry"
  | "invalid-jwk"
  | "jwk-not-allowed"
  | "jwk-key-id"
  | "x5c-mismatch"
  | "nothing-to-register"
  | "mesh-id-taken"
  | "trust-domain-reserved"
  | "trust-domain-freed"
  | "trust-domain-has-members"
  | "invitation-mismatch"
  | "mesh-has-federations"
  | "membership-pending"
  | "not-the-owner"
  | "membership-decision"
  | "authority-exists"
  | "authority-revoked"
  | "key-known-elsewhere"
  | "proof-challenge-expired"
  | "proof-failed"
  | "key-id-taken"
  | "impossible-transition"
  | "would-empty-bundle"
  | "ca-rollover-under-way"
  | "already-distrusted"
  | "federation-with-itself"
  | "federation-exists"
  | "invalid-terms"
  | "terms-changed"
  | "terms-unchanged"
  | "federation-decision"
  | "federation-code-invalid"
  | "admin-token-exists"
  | "wider-rights"
  | "quota-exceeded"
  | "mesh-suspended"
  | "break-glass-off"
  | "transfer-open"
  | "transfer-decision"
  | "poller-name-taken"
  | "already-ended"
  | "bundle-withdrawn"
  | "malformed-request"
  | "expectation-failed"
  | "request-timeout"
  | "headers-too-large"
  | "misdirected-request"
  | "overloaded"
  | "storage-unavailable"
  | "not-ready"
  | "internal";

