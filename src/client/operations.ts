// Generated from the contract by "npm run generate"; a test fails when it drifts.
import { change, list, read } from "./operation.ts";
import type {
  NewInvitation,
  CreatedInvitation,
  Invitation,
  InvitationList,
  NewMesh,
  RegisteredMesh,
  Mesh,
  MeshList,
  Directory,
  MeshChange,
  MeshDocument,
  PutMesh,
  NewSuspension,
  Suspension,
  TrustDomain,
  TrustDomainList,
  TrustDomainChange,
  ChangedTrustDomain,
  Membership,
  MembershipList,
  MembershipDecision,
  NewTransfer,
  Transfer,
  TransferList,
  TransferDecision,
  RevisionList,
  RevisionWithBundle,
  AuthorityUpload,
  Authority,
  RegisteredAuthorities,
  AuthorityList,
  Transition,
  ProofChallenge,
  Proof,
  NewSharedKeyAllowance,
  SharedKeyAllowance,
  SharedKeyAllowanceList,
  NewFederation,
  Federation,
  FederationList,
  ConsentDecision,
  TermsChange,
  NewFederationCode,
  CreatedFederationCode,
  FederationCode,
  FederationCodeList,
  NewPoller,
  CreatedPoller,
  Poller,
  PollerList,
  PollerChange,
  RevokedPoller,
  PollerRotation,
  DeliveryList,
  HolderList,
  NewDistrust,
  Distrust,
  DistrustList,
  NewToken,
  CreatedToken,
  Token,
  TokenList,
  TokenRotation,
  RotatedToken,
  BreakGlassConsent,
  BreakGlassToken,
  Broker,
  NewCaRollover,
  AuditEvent,
  AuditEventList,
  Health,
} from "./schemas.ts";

type NoInput = Readonly<Record<string, never>>;

/** Invite somebody to register one mesh; the token is shown once */
export const invite = /* @__PURE__ */ change<{ body: NewInvitation }, CreatedInvitation>("POST", "/v1/invitations");

/** List invitations, without their secrets */
export const listInvitations = /* @__PURE__ */ list<{ query?: { limit?: number; cursor?: string } }, InvitationList, "invitations">("/v1/invitations", "invitations");

/** Read an invitation, without its secret */
export const readInvitation = /* @__PURE__ */ read<{ path: { invitationId: string } }, Invitation>("/v1/invitations/{invitationId}");

/** Revoke an invitation; a spent one then answers no replay of its registration either */
export const revokeInvitation = /* @__PURE__ */ change<{ path: { invitationId: string } }, Readonly<Record<string, never>>>("DELETE", "/v1/invitations/{invitationId}");

/** Register a mesh, with an operator's token or an invitation */
export const registerMesh = /* @__PURE__ */ change<{ body: NewMesh }, RegisteredMesh>("POST", "/v1/meshes");

/** List the meshes that the credential reaches */
export const listMeshes = /* @__PURE__ */ list<{ query?: { limit?: number; cursor?: string; labelSelector?: string } }, MeshList, "meshes">("/v1/meshes", "meshes");

/** Find listed meshes to federate with */
export const listDirectory = /* @__PURE__ */ list<{ query?: { limit?: number; cursor?: string } }, Directory, "meshes">("/v1/directory", "meshes");

/** Read a mesh */
export const readMesh = /* @__PURE__ */ read<{ path: { meshId: string } }, Mesh>("/v1/meshes/{meshId}");

/** Change what a mesh says of itself */
export const changeMesh = /* @__PURE__ */ change<{ path: { meshId: string }; body: MeshChange }, Mesh>("PATCH", "/v1/meshes/{meshId}");

/** Take a mesh out; its ID is never used again */
export const deleteMesh = /* @__PURE__ */ change<{ path: { meshId: string }; query?: { withdraw?: boolean; force?: boolean } }, Readonly<Record<string, never>>>("DELETE", "/v1/meshes/{meshId}");

/** Read a mesh as the document that would make it what it is */
export const readMeshDocument = /* @__PURE__ */ read<{ path: { meshId: string } }, MeshDocument>("/v1/meshes/{meshId}/document");

/** Make a mesh what its document says; put again, it changes nothing */
export const putMeshDocument = /* @__PURE__ */ change<{ path: { meshId: string }; body: MeshDocument }, PutMesh>("PUT", "/v1/meshes/{meshId}/document");

/** Suspend a mesh: it and its peers get tombstones of each other at once, and its tokens only read and take back */
export const suspendMesh = /* @__PURE__ */ change<{ path: { meshId: string }; body: NewSuspension }, Suspension>("POST", "/v1/meshes/{meshId}/suspension");

/** Read why and since when a mesh is suspended; 404 where it is not */
export const readSuspension = /* @__PURE__ */ read<{ path: { meshId: string } }, Suspension>("/v1/meshes/{meshId}/suspension");

/** End a suspension: everything is served again */
export const endSuspension = /* @__PURE__ */ change<{ path: { meshId: string } }, Readonly<Record<string, never>>>("DELETE", "/v1/meshes/{meshId}/suspension");

/** List the trust domains of the meshes that the credential reaches */
export const listTrustDomains = /* @__PURE__ */ list<{ query?: { limit?: number; cursor?: string } }, TrustDomainList, "trustDomains">("/v1/trust-domains", "trustDomains");

/** Read a trust domain: its current sequence, owner and members */
export const readTrustDomain = /* @__PURE__ */ read<{ path: { trustDomain: string } }, TrustDomain>("/v1/trust-domains/{trustDomain}");

/** Set the refresh hint or the publicness; the owner's admin only */
export const changeTrustDomain = /* @__PURE__ */ change<{ path: { trustDomain: string }; body: TrustDomainChange }, ChangedTrustDomain>("PATCH", "/v1/trust-domains/{trustDomain}");

/** List which meshes are members or ask to be */
export const listMemberships = /* @__PURE__ */ list<{ path: { trustDomain: string }; query?: { limit?: number; cursor?: string } }, MembershipList, "memberships">("/v1/trust-domains/{trustDomain}/memberships", "memberships");

/** Grant, deny or expel a member; the owner's admin only */
export const decideMembership = /* @__PURE__ */ change<{ path: { trustDomain: string }; body: MembershipDecision }, Membership>("POST", "/v1/trust-domains/{trustDomain}/memberships");

/** Offer the trust domain to a member; the owner's admin only, one offer at a time */
export const offerTransfer = /* @__PURE__ */ change<{ path: { trustDomain: string }; body: NewTransfer }, Transfer>("POST", "/v1/trust-domains/{trustDomain}/transfers");

/** List the offers of a trust domain to its members */
export const listTransfers = /* @__PURE__ */ list<{ path: { trustDomain: string }; query?: { limit?: number; cursor?: string } }, TransferList, "transfers">("/v1/trust-domains/{trustDomain}/transfers", "transfers");

/** Read an offer of a trust domain */
export const readTransfer = /* @__PURE__ */ read<{ path: { trustDomain: string; transferId: string } }, Transfer>("/v1/trust-domains/{trustDomain}/transfers/{transferId}");

/** Accept or decline an offered trust domain, or take the offer back */
export const decideTransfer = /* @__PURE__ */ change<{ path: { trustDomain: string; transferId: string }; body: TransferDecision }, Transfer>("POST", "/v1/trust-domains/{trustDomain}/transfers/{transferId}/decisions");

/** List what the bundle was, newest first, with the difference between neighbours; to a peer without who and why */
export const listRevisions = /* @__PURE__ */ list<{ path: { trustDomain: string }; query?: { limit?: number; cursor?: string } }, RevisionList, "revisions">("/v1/trust-domains/{trustDomain}/revisions", "revisions");

/** Read one revision with its bundle */
export const readRevision = /* @__PURE__ */ read<{ path: { trustDomain: string; sequence: string } }, RevisionWithBundle>("/v1/trust-domains/{trustDomain}/revisions/{sequence}");

/** Register CA certificates or JWT signing keys, all or nothing */
export const registerAuthorities = /* @__PURE__ */ change<{ path: { meshId: string }; body: AuthorityUpload }, RegisteredAuthorities>("POST", "/v1/meshes/{meshId}/authorities");

/** List what a mesh contributes, in every state */
export const listAuthorities = /* @__PURE__ */ list<{ path: { meshId: string }; query?: { limit?: number; cursor?: string } }, AuthorityList, "authorities">("/v1/meshes/{meshId}/authorities", "authorities");

/** Read one authority as the mesh contributes it */
export const readAuthority = /* @__PURE__ */ read<{ path: { meshId: string; authorityId: string } }, Authority>("/v1/meshes/{meshId}/authorities/{authorityId}");

/** Activate, retire or revoke an authority */
export const transitionAuthority = /* @__PURE__ */ change<{ path: { meshId: string; authorityId: string }; body: Transition }, Authority>("POST", "/v1/meshes/{meshId}/authorities/{authorityId}/transitions");

/** Ask for a challenge, to prove that the mesh holds an authority's key; an earlier one is void */
export const challengeAuthority = /* @__PURE__ */ change<{ path: { meshId: string; authorityId: string } }, ProofChallenge>("POST", "/v1/meshes/{meshId}/authorities/{authorityId}/proof-challenges");

/** Answer the challenge with a certificate, a signature or a token that only the authority's key can make */
export const proveAuthority = /* @__PURE__ */ change<{ path: { meshId: string; authorityId: string }; body: Proof }, Authority>("POST", "/v1/meshes/{meshId}/authorities/{authorityId}/proofs");

/** Allow two trust domains to hold the same key */
export const allowSharedKey = /* @__PURE__ */ change<{ body: NewSharedKeyAllowance }, SharedKeyAllowance>("POST", "/v1/shared-key-allowances");

/** List what is allowed */
export const listSharedKeyAllowances = /* @__PURE__ */ list<{ query?: { limit?: number; cursor?: string } }, SharedKeyAllowanceList, "sharedKeyAllowances">("/v1/shared-key-allowances", "sharedKeyAllowances");

/** Read one allowance */
export const readSharedKeyAllowance = /* @__PURE__ */ read<{ path: { allowanceId: string } }, SharedKeyAllowance>("/v1/shared-key-allowances/{allowanceId}");

/** Take an allowance back; what was registered under it stays */
export const disallowSharedKey = /* @__PURE__ */ change<{ path: { allowanceId: string } }, Readonly<Record<string, never>>>("DELETE", "/v1/shared-key-allowances/{allowanceId}");

/** Propose a federation; an admin of the proposer consents with it */
export const proposeFederation = /* @__PURE__ */ change<{ body: NewFederation }, Federation>("POST", "/v1/federations");

/** List federations of the meshes that the credential reaches, and of members of trust domains that they own */
export const listFederations = /* @__PURE__ */ list<{ query?: { limit?: number; cursor?: string; meshId?: string } }, FederationList, "federations">("/v1/federations", "federations");

/** Read a federation: terms, consents, and what holds at this moment */
export const readFederation = /* @__PURE__ */ read<{ path: { federationId: string } }, Federation>("/v1/federations/{federationId}");

/** Grant, deny or withdraw for one side; or veto as the owner of a side's trust domain */
export const giveConsent = /* @__PURE__ */ change<{ path: { federationId: string }; body: ConsentDecision }, Federation>("POST", "/v1/federations/{federationId}/consents");

/** Ask for other terms; what narrows one's own side takes effect at once */
export const askForTerms = /* @__PURE__ */ change<{ path: { federationId: string }; body: TermsChange }, Federation>("POST", "/v1/federations/{federationId}/terms");

/** Consent to a federation before it is proposed, by a one-time code; it is shown once */
export const createFederationCode = /* @__PURE__ */ change<{ path: { meshId: string }; body?: NewFederationCode }, CreatedFederationCode>("POST", "/v1/meshes/{meshId}/federation-codes");

/** List a mesh's federation codes, without their secrets */
export const listFederationCodes = /* @__PURE__ */ list<{ path: { meshId: string }; query?: { limit?: number; cursor?: string } }, FederationCodeList, "federationCodes">("/v1/meshes/{meshId}/federation-codes", "federationCodes");

/** Read a federation code, without its secret */
export const readFederationCode = /* @__PURE__ */ read<{ path: { meshId: string; codeId: string } }, FederationCode>("/v1/meshes/{meshId}/federation-codes/{codeId}");

/** Revoke a federation code that nobody has used */
export const revokeFederationCode = /* @__PURE__ */ change<{ path: { meshId: string; codeId: string } }, Readonly<Record<string, never>>>("DELETE", "/v1/meshes/{meshId}/federation-codes/{codeId}");

/** Make a control plane's capability URL; the token is shown once */
export const createPoller = /* @__PURE__ */ change<{ path: { meshId: string }; body: NewPoller }, CreatedPoller>("POST", "/v1/meshes/{meshId}/pollers");

/** List a mesh's pollers */
export const listPollers = /* @__PURE__ */ list<{ path: { meshId: string }; query?: { limit?: number; cursor?: string } }, PollerList, "pollers">("/v1/meshes/{meshId}/pollers", "pollers");

/** Read a poller */
export const readPoller = /* @__PURE__ */ read<{ path: { meshId: string; pollerId: string } }, Poller>("/v1/meshes/{meshId}/pollers/{pollerId}");

/** Change what is said of a poller; its URL stays */
export const changePoller = /* @__PURE__ */ change<{ path: { meshId: string; pollerId: string }; body: PollerChange }, Poller>("PATCH", "/v1/meshes/{meshId}/pollers/{pollerId}");

/** Revoke a poller's URL; answers which bundles it still holds */
export const revokePoller = /* @__PURE__ */ change<{ path: { meshId: string; pollerId: string } }, RevokedPoller>("DELETE", "/v1/meshes/{meshId}/pollers/{pollerId}");

/** Give a poller another URL; the one that it has serves until the overlap ends */
export const rotatePoller = /* @__PURE__ */ change<{ path: { meshId: string; pollerId: string }; body?: PollerRotation }, CreatedPoller>("POST", "/v1/meshes/{meshId}/pollers/{pollerId}/rotations");

/** List what a mesh's pollers hold, by the ledger */
export const listDeliveries = /* @__PURE__ */ list<{ path: { meshId: string }; query?: { limit?: number; cursor?: string } }, DeliveryList, "deliveries">("/v1/meshes/{meshId}/deliveries", "deliveries");

/** List who holds a trust domain's bundle, by the ledger */
export const listHolders = /* @__PURE__ */ list<{ path: { trustDomain: string }; query?: { limit?: number; cursor?: string } }, HolderList, "deliveries">("/v1/trust-domains/{trustDomain}/deliveries", "deliveries");

/** Stop trusting one authority of a trust domain, at once, for all pollers of the mesh and nobody else */
export const distrust = /* @__PURE__ */ change<{ path: { meshId: string }; body: NewDistrust }, Distrust>("POST", "/v1/meshes/{meshId}/distrusts");

/** List what a mesh distrusts, and what it distrusted once */
export const listDistrusts = /* @__PURE__ */ list<{ path: { meshId: string }; query?: { limit?: number; cursor?: string } }, DistrustList, "distrusts">("/v1/meshes/{meshId}/distrusts", "distrusts");

/** Read a distrust */
export const readDistrust = /* @__PURE__ */ read<{ path: { meshId: string; distrustId: string } }, Distrust>("/v1/meshes/{meshId}/distrusts/{distrustId}");

/** Trust the authority again, where it is still published */
export const liftDistrust = /* @__PURE__ */ change<{ path: { meshId: string; distrustId: string } }, Distrust>("DELETE", "/v1/meshes/{meshId}/distrusts/{distrustId}");

/** Make a token of no wider rights than one's own; it is shown once */
export const createToken = /* @__PURE__ */ change<{ body: NewToken }, CreatedToken>("POST", "/v1/tokens");

/** List tokens, without their secrets */
export const listTokens = /* @__PURE__ */ list<{ query?: { limit?: number; cursor?: string } }, TokenList, "tokens">("/v1/tokens", "tokens");

/** Read a token, without its secret */
export const readToken = /* @__PURE__ */ read<{ path: { tokenId: string } }, Token>("/v1/tokens/{tokenId}");

/** Revoke a token, at once */
export const revokeToken = /* @__PURE__ */ change<{ path: { tokenId: string } }, Readonly<Record<string, never>>>("DELETE", "/v1/tokens/{tokenId}");

/** Make a successor of the same name, role and meshes; the old token works until the overlap ends */
export const rotateToken = /* @__PURE__ */ change<{ path: { tokenId: string }; body?: TokenRotation }, RotatedToken>("POST", "/v1/tokens/{tokenId}/rotations");

/** Give a mesh's word on a federation in its place, with a reason that its people read; off by default */
export const consentByBreakGlass = /* @__PURE__ */ change<{ body: BreakGlassConsent }, Federation>("POST", "/v1/break-glass/consents");

/** Make an admin token of a mesh that has one, with a reason that its people read; off by default */
export const makeTokenByBreakGlass = /* @__PURE__ */ change<{ body: BreakGlassToken }, CreatedToken>("POST", "/v1/break-glass/tokens");

/** Read the broker's own trust domain, its CAs, and what a roll-over does next */
export const readBroker = /* @__PURE__ */ read<NoInput, Broker>("/v1/broker");

/** Begin to replace the broker's CA; the steps that follow are taken by the clock */
export const startCaRollover = /* @__PURE__ */ change<{ body?: NewCaRollover }, Broker>("POST", "/v1/broker/ca-rollovers");

/** List what happened, newest first */
export const listAuditEvents = /* @__PURE__ */ list<{ query?: { limit?: number; cursor?: string; meshId?: string; trustDomain?: string; federationId?: string; authorityId?: string; actor?: string; type?: "broker.initialised" | "broker.ca-rollover-started" | "broker.ca-activated" | "broker.ca-retired" | "mesh.registered" | "mesh.updated" | "mesh.deleted" | "mesh.suspended" | "mesh.suspension-ended" | "membership.requested" | "membership.granted" | "membership.denied" | "membership.expelled" | "membership.reopened" | "membership.ended" | "trust-domain.registered" | "trust-domain.updated" | "trust-domain.freed" | "trust-domain.transfer-offered" | "trust-domain.transfer-declined" | "trust-domain.transfer-withdrawn" | "trust-domain.transferred" | "authority.contributed" | "authority.transitioned" | "authority.revoked" | "authority.expired" | "authority.proved" | "authority.claimed-elsewhere" | "shared-key.allowed" | "shared-key.disallowed" | "bundle.revised" | "bundle-access.granted" | "bundle-access.regranted" | "bundle-access.changed" | "bundle-access.distrust-changed" | "bundle-access.withdrawn" | "bundle-access.removed" | "federation.proposed" | "federation.granted" | "federation.denied" | "federation.withdrawn" | "federation.vetoed" | "federation.veto-lifted" | "federation.terms-proposed" | "federation.terms-agreed" | "federation.terms-declined" | "federation.terms-narrowed" | "federation.expired" | "federation-code.created" | "federation-code.spent" | "federation-code.revoked" | "federation-code.expired" | "distrust.created" | "distrust.lifted" | "poller.created" | "poller.updated" | "poller.rotated" | "poller.revoked" | "poller.expired" | "poller.other-client-seen" | "token.created" | "token.rotated" | "token.narrowed" | "token.revoked" | "token.expired" | "invitation.created" | "invitation.spent" | "invitation.refused" | "invitation.revoked" | "invitation.expired" | "break-glass.consented" | "break-glass.token-created" | "clock.deadline-passed" | "clock.jumped" | "request.refused" | "refusals.counted"; from?: string; to?: string; order?: "asc" | "desc" } }, AuditEventList, "events">("/v1/audit-events", "events");

/** Read one event by its position */
export const readAuditEvent = /* @__PURE__ */ read<{ path: { position: string } }, AuditEvent>("/v1/audit-events/{position}");

/** Whether the event loop turns */
export const livez = /* @__PURE__ */ read<NoInput, Health>("/livez");

/** Whether changes can be taken, and if not, which part is not ready (503) */
export const readyz = /* @__PURE__ */ read<NoInput, Health>("/readyz");

/** Metrics for Prometheus */
export const metrics = /* @__PURE__ */ read<NoInput, string>("/metrics");

