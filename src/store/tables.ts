import type { Kysely, Transaction } from "kysely";

/**
 * The rows of both engines: times in epoch milliseconds, flags 0 or 1, documents as JSON text.
 * Columns are snake_case here and nowhere else; each feature's store maps them to its noun.
 */
export interface Tables {
  broker: { id: 1; trust_domain: string; generation: number; created_at: number };
  /** One row: how many events there are. Its lock orders all writers (DESIGN.md). */
  log_head: { id: 1; size: number };
  event: { position: number; type: string; at: number; leaf: string };
  event_detail: {
    position: number;
    event_id: string;
    actor: string | null;
    acting_mesh: string | null;
    detail: string;
  };
  event_subject: { subject: string; position: number };

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
  };
  trust_domain: {
    name: string;
    /** Null for the broker's own and for one that its owner gave back. */
    owner: string | null;
    refresh_hint_seconds: number;
    public: number;
    created_at: number;
    updated_at: number;
    freed_at: number | null;
    revision_position: number | null;
    /** When time alone next changes the bundle. */
    next_deadline: number | null;
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
  };
  federation: {
    federation_id: string;
    mesh_a: string;
    mesh_b: string;
    trust_domain_a: string;
    trust_domain_b: string;
    created_at: number;
    updated_at: number;
    document: string;
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
