import Type, { type Static } from "typebox";
import { meshId, orNull, strictObject, text, time } from "../../http/schemas.ts";
import { parseName } from "../../text.ts";
import { DAY_MS, type EpochMs, toRfc3339, toRfc3339OrNull } from "../../time.ts";
import type { Delivery } from "../deliveries/delivery.ts";
import { condition } from "../federations/federation.schema.ts";
import { dialect } from "../meshes/mesh.schema.ts";
import { MAX_URL_OVERLAP_SECONDS, type Poller, type PollerChange } from "./poller.ts";

const replicas = Type.Integer({
  minimum: 1,
  maximum: 10_000,
  description: "Replicas that fetch with this one URL. Default 1.",
});

export const newPoller = strictObject(
  {
    name: text("What the control plane is called."),
    cluster: Type.Optional(text("The cluster that it runs in.")),
    dialect: Type.Optional(dialect),
    dialectVersion: Type.Optional(text("If other than the mesh's.")),
    replicas: Type.Optional(replicas),
    expiresInSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 366 * 86_400, description: "It does not expire where absent." }),
    ),
  },
  { $id: "NewPoller" },
);
export const pollerChange = strictObject(
  {
    name: Type.Optional(text("What the control plane is called.")),
    cluster: Type.Optional(orNull(text("The cluster that it runs in."))),
    dialect: Type.Optional(orNull(dialect)),
    dialectVersion: Type.Optional(orNull(text("If other than the mesh's."))),
    replicas: Type.Optional(replicas),
  },
  { $id: "PollerChange", description: "JSON merge patch." },
);

/** @throws {Refusal} `invalid-text` */
export function parsePollerChange(asked: Static<typeof pollerChange>): PollerChange {
  const { name, cluster, dialectVersion, ...rest } = asked;
  return {
    ...rest,
    ...(name === undefined ? {} : { name: parseName(name, "/name") }),
    ...(cluster === undefined ? {} : { cluster: cluster === null ? null : parseName(cluster, "/cluster") }),
    ...(dialectVersion === undefined
      ? {}
      : { dialectVersion: dialectVersion === null ? null : parseName(dialectVersion, "/dialectVersion") }),
  };
}

export const pollerRotation = strictObject(
  {
    overlapSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_URL_OVERLAP_SECONDS,
        description: "How long the URL that it has still serves. Default 24 hours, at most 7 days.",
      }),
    ),
  },
  { $id: "PollerRotation" },
);

const pollerMembers = {
  pollerId: Type.String(),
  meshId,
  name: Type.String(),
  cluster: orNull(Type.String()),
  dialect: orNull(dialect),
  dialectVersion: orNull(Type.String()),
  replicas: Type.Integer(),
  createdAt: time("When it was made."),
  expiresAt: orNull(time("Null for never.")),
  revokedAt: orNull(time("When its URL ended.")),
  rotatedAt: orNull(time("When its URL was rotated last, while a former one may still serve.")),
  formerUrlsUntil: orNull(time("Until when the last of its former URLs serves.")),
  conditions: Type.Array(condition),
};
export const pollerView = strictObject(pollerMembers, { $id: "Poller" });
export const createdPoller = strictObject(
  {
    ...pollerMembers,
    token: Type.String({ description: "Part of its URLs; shown once. It works in the path alone, never as a bearer." }),
    urls: strictObject({
      spiffe: Type.String({ description: "For https_spiffe; put the trust domain for `{trustDomain}`." }),
      web: Type.String({ description: "For https_web." }),
      istio: Type.String({ description: "For istiod's spiffeBundleUrl." }),
      pem: Type.String({ description: "The certificates as PEM." }),
      broker: Type.String({ description: "The broker's own bundle, to bootstrap https_spiffe with." }),
    }),
  },
  { $id: "CreatedPoller" },
);
export const revokedPoller = strictObject(
  {
    ...pollerMembers,
    holds: Type.Array(
      strictObject({ trustDomain: Type.String(), sequence: Type.Integer(), at: time("When it fetched it last.") }),
      { description: "Bundles that it still holds, and trusts until they are taken from it." },
    ),
  },
  { $id: "RevokedPoller" },
);
export const pollersParams = strictObject({ meshId });
export const pollerParams = strictObject({ meshId, pollerId: Type.String({ maxLength: 64 }) });

/** From so long before its end on, a condition warns. */
export const EXPIRY_WARNING_MS = 14 * DAY_MS;

export function viewPoller(poller: Poller, now: EpochMs): Static<typeof pollerView> {
  return {
    pollerId: poller.pollerId,
    meshId: poller.meshId,
    name: poller.name,
    cluster: poller.cluster,
    dialect: poller.dialect,
    dialectVersion: poller.dialectVersion,
    replicas: poller.replicas,
    createdAt: toRfc3339(poller.createdAt),
    expiresAt: toRfc3339OrNull(poller.expiresAt),
    revokedAt: toRfc3339OrNull(poller.revokedAt),
    rotatedAt: toRfc3339OrNull(poller.rotatedAt),
    formerUrlsUntil: toRfc3339OrNull(poller.formerUrlsUntil),
    conditions: [usable(poller, now), ...expiring(poller, now), ...rotating(poller, now)],
  };
}

function usable(poller: Poller, now: EpochMs): Static<typeof condition> {
  const of = (status: "True" | "False", reason: string, message: string, at: EpochMs) => ({
    type: "Usable",
    status,
    reason,
    message,
    lastTransitionTime: toRfc3339(at),
  });
  if (poller.revokedAt !== null) return of("False", "Revoked", "the URL was revoked", poller.revokedAt);
  if (poller.expiresAt !== null && poller.expiresAt <= now)
    return of("False", "Expired", "the URL expired", poller.expiresAt);
  return of("True", "Usable", "the URL works", poller.createdAt);
}

function expiring(poller: Poller, now: EpochMs): Static<typeof condition>[] {
  if (
    poller.expiresAt === null ||
    poller.revokedAt !== null ||
    poller.expiresAt <= now ||
    poller.expiresAt - now > EXPIRY_WARNING_MS
  )
    return [];
  const message = `the URL ends at ${toRfc3339(poller.expiresAt)}: make another poller and configure it before`;
  return [
    {
      type: "ExpiresSoon",
      status: "True",
      reason: "ExpiresSoon",
      message,
      lastTransitionTime: toRfc3339(poller.expiresAt - EXPIRY_WARNING_MS),
    },
  ];
}

function rotating({ formerUrlsUntil, rotatedAt, ...poller }: Poller, now: EpochMs): Static<typeof condition>[] {
  if (formerUrlsUntil === null || rotatedAt === null || formerUrlsUntil <= now || poller.revokedAt !== null) return [];
  const message = `a URL from before the rotation serves until ${toRfc3339(formerUrlsUntil)}`;
  const lastTransitionTime = toRfc3339(rotatedAt);
  return [{ type: "FormerUrlServes", status: "True", reason: "Rotated", message, lastTransitionTime }];
}

export const viewHolds = (holds: readonly Delivery[]) =>
  holds.map(({ trustDomain, sequence, at }) => ({ trustDomain, sequence, at: toRfc3339(at) }));
