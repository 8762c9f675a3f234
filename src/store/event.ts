import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Randomness } from "../randomness.ts";
import { type EpochMs, toRfc3339 } from "../time.ts";

/** Every kind of thing that happens. Names are part of the audit interface: add freely, never rename. */
export const EVENT_TYPES = [
  "broker.initialised",
  "broker.ca-rollover-started",
  "broker.ca-activated",
  "broker.ca-retired",
  "mesh.registered",
  "mesh.updated",
  "mesh.deleted",
  "mesh.suspended",
  "mesh.suspension-ended",
  "membership.requested",
  "membership.granted",
  "membership.denied",
  "membership.expelled",
  "membership.reopened",
  "membership.ended",
  "trust-domain.registered",
  "trust-domain.updated",
  "trust-domain.freed",
  "trust-domain.transfer-offered",
  "trust-domain.transfer-declined",
  "trust-domain.transfer-withdrawn",
  "trust-domain.transferred",
  "authority.contributed",
  "authority.transitioned",
  "authority.revoked",
  "authority.expired",
  "authority.proved",
  "authority.claimed-elsewhere",
  "shared-key.allowed",
  "shared-key.disallowed",
  "bundle.revised",
  "bundle-access.granted",
  "bundle-access.regranted",
  "bundle-access.changed",
  "bundle-access.distrust-changed",
  "bundle-access.withdrawn",
  "bundle-access.removed",
  "federation.proposed",
  "federation.granted",
  "federation.denied",
  "federation.withdrawn",
  "federation.vetoed",
  "federation.veto-lifted",
  "federation.terms-proposed",
  "federation.terms-agreed",
  "federation.terms-declined",
  "federation.terms-narrowed",
  "federation.expired",
  "federation-code.created",
  "federation-code.spent",
  "federation-code.revoked",
  "federation-code.expired",
  "distrust.created",
  "distrust.lifted",
  "poller.created",
  "poller.updated",
  "poller.rotated",
  "poller.revoked",
  "poller.expired",
  "poller.other-client-seen",
  "token.created",
  "token.rotated",
  "token.narrowed",
  "token.revoked",
  "token.expired",
  "invitation.created",
  "invitation.spent",
  "invitation.refused",
  "invitation.revoked",
  "invitation.expired",
  "break-glass.consented",
  "break-glass.token-created",
  "clock.deadline-passed",
  "clock.jumped",
  "request.refused",
  "refusals.counted",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** These events give what a consumer sees its `spiffe_sequence`; a unit of work never begins with one (DESIGN.md). */
const BEARS_SEQUENCE: ReadonlySet<EventType> = new Set([
  "bundle.revised",
  "bundle-access.regranted",
  "bundle-access.distrust-changed",
  "bundle-access.withdrawn",
]);
export const bearsSequence = (type: EventType): boolean => BEARS_SEQUENCE.has(type);

/**
 * What takes back or refuses, and gives nobody more: a suspended mesh may still do it, since a stolen key or token is a reason
 * to suspend and must not live on by it.
 */
const TAKES_BACK: ReadonlySet<EventType> = new Set([
  "authority.revoked",
  "distrust.created",
  "federation.denied",
  "federation.terms-declined",
  "federation.terms-narrowed",
  "federation.vetoed",
  "federation.withdrawn",
  "federation-code.revoked",
  "membership.denied",
  "membership.expelled",
  "poller.revoked",
  "token.narrowed",
  "token.revoked",
  "trust-domain.transfer-declined",
  "trust-domain.transfer-withdrawn",
]);
export const takesBack = ({ type, fields }: Pick<NewEvent, "type" | "fields">): boolean =>
  TAKES_BACK.has(type) || (type === "authority.transitioned" && LEAVING.has(fields?.to));

/** On the way out of the bundle, and out of it: who may not revoke an authority retires it. */
const LEAVING: ReadonlySet<unknown> = new Set(["retiring", "retired"]);

export type SubjectKind =
  | "mesh"
  | "trust-domain"
  | "authority"
  | "federation"
  | "federation-code"
  | "distrust"
  | "poller"
  | "token"
  | "invitation"
  | "shared-key";
/** What an event is about: `mesh/shop`. Whoever administers a mesh that is a subject, or in the audience, sees the event. */
export type Subject = `${SubjectKind}/${string}`;

/** The IDs of one kind among subjects: `["shop"]` of `mesh` in `["mesh/shop", "poller/pol_1"]`. */
export const idsAmong = (subjects: readonly Subject[], kind: SubjectKind): string[] =>
  subjects.filter((subject) => subject.startsWith(`${kind}/`)).map((subject) => subject.slice(kind.length + 1));

/** Who does something: a token, an invitation, or the broker itself (`system` for start-up, `clock` for deadlines). */
export interface Actor {
  readonly kind: "token" | "invitation" | "broker";
  /** The token's or invitation's ID; `system` or `clock` for the broker. */
  readonly id: string;
  /** The caller's address; null for the broker. */
  readonly source: string | null;
  readonly requestId: string | null;
  /** The meshes that a mesh-admin's token speaks for. */
  readonly adminOf?: readonly string[];
}

/** Who an event says did it: an actor, or a federation code by which a mesh had consented before. */
export type EventActor = Actor | (Omit<Actor, "kind"> & { readonly kind: "federation-code" });

export const clockActor: Actor = { kind: "broker", id: "clock", source: null, requestId: null };
export const systemActor: Actor = { kind: "broker", id: "system", source: null, requestId: null };

/** The broker's own acts are nobody's: who did them is no secret. */
export const isBrokersOwn = (actorId: string): boolean => actorId === clockActor.id || actorId === systemActor.id;

/**
 * Types, by how they begin, of which the fields say as `meshId` to which mesh an operator did it, in a federation or by what
 * this followed from; of the others the subjects say it.
 */
export const FIELDS_SAY_WHOSE = ["federation.", "bundle"] as const;

export interface NewEvent {
  readonly type: EventType;
  readonly subjects: readonly Subject[];
  /**
   * Meshes whose people see it too without being named in it: somebody else who sees it may not know that they exist
   * (S21). They stand in the index alone, not in the leaf.
   */
  readonly audience?: readonly Subject[];
  /**
   * The mesh on whose behalf it is done: its admins see all of it, those of other meshes no token, source or request. Null
   * for none, whichever acted first.
   */
  readonly actingMesh?: string | null;
  /** Where it is not the one who asked for the change: what another mesh had consented to is by that mesh's word. */
  readonly actor?: EventActor;
  readonly outcome?: "done" | "refused";
  /** Allow-listed facts (S69): named one by one where the event is made, never copied from a request. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** The resource before and after; only their digests are kept. */
  readonly before?: unknown;
  readonly after?: unknown;
}

/** What can be erased without breaking the log: everything of an event but its leaf. */
export interface EventDetail {
  readonly eventId: string;
  readonly actor: { readonly kind: EventActor["kind"]; readonly id: string };
  readonly actingMesh: string | null;
  readonly source: string | null;
  readonly requestId: string | null;
  readonly outcome: "done" | "refused";
  readonly beforeDigest: string | null;
  readonly afterDigest: string | null;
  readonly fields: Readonly<Record<string, unknown>>;
  /** 128 random bits, so that a digest of few possible values tells nothing (S69). */
  readonly salt: string;
}

/** An event ready to be appended: the canonical JSON (RFC 8785) of its leaf and of its detail. */
export interface SealedEvent {
  readonly position: number;
  readonly type: EventType;
  readonly at: EpochMs;
  readonly subjects: readonly Subject[];
  /** Who sees it beside the subjects. */
  readonly audience: readonly Subject[];
  readonly detail: EventDetail;
  readonly leaf: string;
  readonly detailText: string;
}

const sha256 = (text: string): string => hash("sha256", text);
const canonical = (value: unknown): string => canonicalize(value) as string;
const digestOf = (value: unknown): string | null => (value === undefined ? null : sha256(canonical(value)));

/** Makes the leaf `{v, position, type, at, subjects, detailDigest}` and the detail that it commits to. */
export function sealEvent(
  event: NewEvent,
  made: { position: number; at: EpochMs; actor: EventActor; eventId: string; random: Randomness },
): SealedEvent {
  const subjects = [...new Set(event.subjects)].sort();
  const audience = [...new Set(event.audience)].filter((subject) => !subjects.includes(subject));
  const detail: EventDetail = {
    eventId: made.eventId,
    actor: { kind: made.actor.kind, id: made.actor.id },
    actingMesh: event.actingMesh ?? null,
    source: made.actor.source,
    requestId: made.actor.requestId,
    outcome: event.outcome ?? "done",
    beforeDigest: digestOf(event.before),
    afterDigest: digestOf(event.after),
    fields: event.fields ?? {},
    salt: Buffer.from(made.random(16)).toString("base64url"),
  };
  const detailText = canonical(detail);
  const leaf = canonical({
    v: 1,
    position: made.position,
    type: event.type,
    at: toRfc3339(made.at),
    subjects,
    detailDigest: sha256(detailText),
  });
  return { position: made.position, type: event.type, at: made.at, subjects, audience, detail, leaf, detailText };
}
