import type { GeneratedAlways, Kysely, Transaction } from "kysely";

/**
 * The rows of both engines: times in epoch milliseconds, flags 0 or 1, documents as JSON text.
 * Columns are snake_case here and nowhere else; each feature's store maps them to its noun.
 */
export interface Tables {
  /** `cursor_key` seals cursors (S21): 32 bytes in base64url, made at the first start. */
  broker: { id: 1; trust_domain: string; generation: number; created_at: number; cursor_key: string | null };
  /** The CA certificates of the broker's trust domain, where several servers share it; the newest issues. */
  broker_certificate: { generation: number; pem: string; created_at: number };
  /** Private keys, sealed under a key that is not in the database (S63). */
  sealed_key: { name: string; generation: number; sealed: string; created_at: number };
  /** Answers to changes that were asked for under an `Idempotency-Key` (L19). */
  idempotency: {
    credential: string;
    operation: string;
    key: string;
    digest: string;
    status: number;
    body: string;
    location: string | null;
    created_at: number;
  };
  /** One row: how many events there are, and up to when the log says what expired. Its lock orders all writers (DESIGN.md). */
  log_head: { id: 1; size: number; expiries_told_to: number };
  event: { position: number; type: string; at: number; leaf: string };
  event_detail: {
    position: number;
    event_id: string;
    actor: string | null;
    acting_mesh: string | null;
    detail: string;
  };
  event_subject: { subject: string; position: number };
  event_subject_type: { subject: string; type: string; position: number };
  /** Of the events of a thousand positions. */
  event_span: { span: number; earliest: number; latest: number };

  mesh: {
    mesh_id: string;
    display_name: string;
    dialect: string;
    dialect_version: string | null;
    labels: string;
    listed: number;
    registered_at: number;
    updated_at: number;
    deleted_at: number | null;
    suspended_at: number | null;
    suspended_by: string | null;
    suspension_reason: string | null;
    /** When the last one ended. */
    suspension_ended_at: number | null;
  };
  /** The labels of `mesh.labels`, to select by. */
  mesh_label: { mesh_id: string; name: string; value: string };
  trust_domain: {
    name: string;
    /** Null for the broker's own and for one that its owner gave back. */
    owner: string | null;
    refresh_hint_seconds: number;
    public: number;
    created_at: number;
    updated_at: number;
    freed_at: number | null;
    /** Position of its registration by another owner after it was given back. */
    owned_since: number | null;
    revision_position: number | null;
    /** When time alone next changes the bundle. */
    next_deadline: number | null;
  };
  trust_domain_transfer: {
    transfer_id: string;
    trust_domain: string;
    from_mesh: string;
    to_mesh: string;
    state: string;
    offered_at: number;
    offered_reason: string | null;
    decided_at: number | null;
    decided_reason: string | null;
  };
  membership: {
    mesh_id: string;
    trust_domain: string;
    state: string;
    requested_at: number;
    decided_at: number | null;
    reason: string | null;
  };
  authority: {
    authority_id: string;
    trust_domain: string;
    fingerprint: string;
    key_fingerprint: string;
    type: string;
    key_id: string | null;
    not_after: number | null;
    document: string;
    created_at: number;
    revoked_at: number | null;
    revoked_reason: string | null;
  };
  contribution: {
    authority_id: string;
    source_kind: string;
    source_id: string;
    trust_domain: string;
    state: string;
    created_at: number;
    changed_at: number;
    reason: string | null;
    proved_at: number | null;
  };
  /** One a contribution: a newer one takes its place, a proof takes it away. */
  proof_challenge: {
    authority_id: string;
    source_kind: string;
    source_id: string;
    nonce: string;
    expires_at: number;
  };
  shared_key_allowance: {
    allowance_id: string;
    trust_domain_a: string;
    trust_domain_b: string;
    key_fingerprint: string | null;
    reason: string;
    created_at: number;
    created_by: string;
  };
  revision: {
    trust_domain: string;
    position: number;
    sequence: number;
    digest: string;
    refresh_hint_seconds: number;
    last_modified_seconds: number;
    fingerprints: string;
    /** Read no more, and empty: what was served is rendered from `fingerprints`. Whole in the rows of earlier versions. */
    bundle: string;
    at: number;
    cause: string;
    actor: string;
    acting_mesh: string | null;
    reason: string | null;
  };
  bundle_access: {
    mesh_id: string;
    trust_domain: string;
    state: string;
    position: number;
    last_modified_seconds: number;
    until: number | null;
    at: number;
    /** Fingerprints, as JSON in order, that the consumer is not shown. */
    distrusted: string;
  };
  federation: {
    federation_id: string;
    mesh_a: string;
    mesh_b: string;
    trust_domain_a: string;
    trust_domain_b: string;
    created_at: number;
    updated_at: number;
    /** Of the current terms. */
    expires_at: number | null;
    /** What people have said: `open`, `vetoed` or `ended`. Derived from the document (`standingOf`). */
    standing: GeneratedAlways<string>;
    /** 1 where the side has ever consented. Derived from the document. */
    consented_a: GeneratedAlways<number>;
    consented_b: GeneratedAlways<number>;
    document: string;
  };
  federation_code: {
    code_id: string;
    secret_hash: string;
    mesh_id: string;
    /** JSON; null for whichever directions are proposed. */
    trust: string | null;
    federation_expires_at: number | null;
    reason: string | null;
    created_at: number;
    created_by: string;
    expires_at: number;
    revoked_at: number | null;
    spent_at: number | null;
    spent_by: string | null;
    federation_id: string | null;
  };
  distrust: {
    distrust_id: string;
    mesh_id: string;
    trust_domain: string;
    fingerprint: string;
    reason: string;
    created_at: number;
    created_by: string;
    lifted_at: number | null;
  };
  poller: {
    poller_id: string;
    mesh_id: string;
    name: string;
    cluster: string | null;
    dialect: string | null;
    dialect_version: string | null;
    replicas: number;
    token_hash: string;
    position: number;
    created_at: number;
    expires_at: number | null;
    revoked_at: number | null;
  };
  /** URLs that a poller had before a rotation, until they end. */
  former_poller_url: { token_hash: string; poller_id: string; replaced_at: number; ends_at: number };
  poller_client: { poller_id: string; fingerprint: string; products: string; first_seen_at: number };
  delivery: {
    poller_id: string;
    trust_domain: string;
    mesh_id: string;
    sequence: number;
    revision: number | null;
    projection: string;
    at: number;
  };
  first_delivery: { poller_id: string; trust_domain: string; revision: number; at: number };
  token: {
    token_id: string;
    secret_hash: string;
    name: string;
    role: string;
    created_at: number;
    created_by: string;
    expires_at: number;
    /** As it was made; null of one that was made before there were rotations. */
    life_seconds: number | null;
    revoked_at: number | null;
    last_used_at: number | null;
  };
  token_mesh: { token_id: string; mesh_id: string };
  invitation: {
    invitation_id: string;
    secret_hash: string;
    trust_domain: string;
    mesh_id: string | null;
    created_at: number;
    created_by: string;
    expires_at: number;
    spent_at: number | null;
    spent_by: string | null;
    refusals: number;
    revoked_at: number | null;
  };
}

/** A store function runs on whatever it is given: the database, or the transaction it must be part of. */
export type Executor = Kysely<Tables> | Transaction<Tables>;
export type Database = Kysely<Tables>;

export type Engine = "sqlite" | "postgres";
