import { type EventType, FIELDS_SAY_WHOSE, idsAmong, isBrokersOwn, type Subject } from "../../store/event.ts";
import { type EpochMs, toRfc3339 } from "../../time.ts";
import { reaches, type Scope } from "../access/role.ts";
import type { StoredEvent } from "./audit.store.ts";

/** An event as one caller may see it. */
export interface AuditEvent {
  readonly position: number;
  readonly eventId: string | null;
  readonly type: EventType;
  readonly at: string;
  /** The mesh on whose behalf it was done; null for an operator's or the broker's own act. */
  readonly meshId: string | null;
  /** Null in what another mesh did, or an operator to another. */
  readonly actor: { readonly kind: string; readonly id: string } | null;
  readonly source: string | null;
  readonly subjects: readonly Subject[];
  readonly outcome: "done" | "refused" | null;
  readonly requestId: string | null;
  readonly detail: Readonly<Record<string, unknown>> | null;
}

/** Of another mesh's act: which mesh, what kind, when, and how it ended; no token, source, request or reason (S21). */
export function asSeenBy(scope: Scope, event: StoredEvent): AuditEvent {
  const { detail } = event;
  const shared = {
    position: event.position,
    type: event.type,
    at: toRfc3339(event.at as EpochMs),
    outcome: detail?.outcome ?? null,
  };
  const by = whose(event);
  const own = scope.all || by === "nobody" || by.some((meshId) => reaches(scope, meshId));
  if (!detail || !own) {
    const meshId = namedIn(event, detail?.actingMesh);
    // Of an erased detail, whoever sees all still sees the whole leaf.
    const subjects = event.subjects.filter((subject) => scope.all || isShared(scope, subject, by));
    return {
      ...shared,
      meshId,
      subjects,
      eventId: detail?.eventId ?? null,
      actor: null,
      source: null,
      requestId: null,
      detail: null,
    };
  }
  const { fields, beforeDigest, afterDigest, salt } = detail;
  const subjects = event.subjects.filter(
    (subject) => !event.type.startsWith("token.") || isOwnOrNoMesh(scope, subject),
  );
  // A digest of what is not shown whole could be held against what somebody guesses of the rest.
  const isWhole = subjects.length === event.subjects.length;
  const digests = isWhole ? { beforeDigest, afterDigest } : { beforeDigest: null, afterDigest: null };
  return {
    ...shared,
    meshId: detail.actingMesh,
    subjects,
    eventId: detail.eventId,
    actor: detail.actor,
    // An operator's address is no tenant's business.
    source: scope.all || detail.actingMesh !== null ? detail.source : null,
    requestId: detail.requestId,
    detail: { ...fields, ...digests, salt },
  };
}

/** Who acted, unless it is one in the audience: whoever sees the event may not know that mesh (S21). */
const namedIn = ({ subjects }: StoredEvent, meshId: string | null = null): string | null =>
  meshId !== null && subjects.includes(`mesh/${meshId}`) ? meshId : null;

/**
 * Whose act it is: of the mesh that acted; where an operator did, of the mesh to which it was done, whose people read who
 * did it, and no other's (S21). The broker's own acts are nobody's.
 */
function whose({ type, subjects, detail }: StoredEvent): readonly string[] | "nobody" {
  if (!detail) return [];
  if (detail.actingMesh !== null) return [detail.actingMesh];
  if (isBrokersOwn(detail.actor.id)) return "nobody";
  if (!FIELDS_SAY_WHOSE.some((beginning) => type.startsWith(beginning))) return idsAmong(subjects, "mesh");
  const { meshId } = detail.fields as { meshId?: string };
  return meshId === undefined ? [] : [meshId];
}

/** A token may speak for meshes of others, which is no business of this one's people (S21). */
const isOwnOrNoMesh = (scope: Scope, subject: Subject): boolean =>
  !subject.startsWith("mesh/") || reaches(scope, subject.slice("mesh/".length));

/** What both sides know anyway: the meshes, trust domains and the federation; not the other side's tokens or pollers. */
function isShared(scope: Scope, subject: Subject, by: readonly string[] | "nobody"): boolean {
  const [kind = "", id = ""] = subject.split("/");
  if (kind === "mesh") return reaches(scope, id) || by.includes(id);
  return kind === "trust-domain" || kind === "federation";
}
