import { createHash } from "node:crypto";
import type { Randomness } from "../../randomness.ts";
import type { FreeText } from "../../text.ts";
import type { EpochMs } from "../../time.ts";
import type { Dialect } from "../meshes/mesh.ts";
import type { MeshId } from "../meshes/mesh-id.ts";

/** One control plane of a mesh, with a capability URL of its own. */
export interface Poller {
  readonly pollerId: string;
  readonly meshId: MeshId;
  readonly name: FreeText;
  readonly cluster: FreeText | null;
  /** Null where it is the mesh's. */
  readonly dialect: Dialect | null;
  readonly dialectVersion: FreeText | null;
  /** How many replicas fetch with this one URL. */
  readonly replicas: number;
  /** Event-log position of its creation. */
  readonly position: number;
  readonly createdAt: EpochMs;
  /** Null unless one was asked for. */
  readonly expiresAt: EpochMs | null;
  readonly revokedAt: EpochMs | null;
  /** When the last of the URLs that rotations replaced ends, or ended; null where there was none. */
  readonly formerUrlsUntil: EpochMs | null;
  /** When its URL was replaced last. */
  readonly rotatedAt: EpochMs | null;
}

/** What an admin may change of a poller; absent members stay as they are. */
export interface PollerChange {
  readonly name?: FreeText;
  readonly cluster?: FreeText | null;
  readonly dialect?: Dialect | null;
  readonly dialectVersion?: FreeText | null;
  readonly replicas?: number;
}

/** How long a URL serves beside its successor unless something else is asked for, in seconds; at most 7 days (S35). */
export const URL_OVERLAP_SECONDS = 86_400;
export const MAX_URL_OVERLAP_SECONDS = 7 * 86_400;
/** URLs of one poller that may serve beside the newest. */
export const MAX_FORMER_URLS = 4;

/** Usable at `now`. */
export const canPoll = (poller: Poller, now: EpochMs): boolean =>
  poller.revokedAt === null && (poller.expiresAt === null || poller.expiresAt > now);

/** The token of a capability URL: 256 random bits in base64url; stored as its SHA-256 (S32). */
export function newPollerToken(random: Randomness): { readonly token: string; readonly hash: string } {
  const token = Buffer.from(random(32)).toString("base64url");
  return { token, hash: createHash("sha256").update(token).digest("hex") };
}

/** Where the bundle endpoint is reached: origins without a path. */
export interface PublicUrls {
  readonly spiffe: string;
  readonly web: string;
}

/** The URLs that a poller is configured with; `{trustDomain}` stands for the one that it wants. */
export const pollerUrls = (urls: PublicUrls, token: string) => ({
  spiffe: `${urls.spiffe}/p/${token}/{trustDomain}`,
  web: `${urls.web}/p/${token}/{trustDomain}`,
  istio: `${urls.web}/p/${token}/{trustDomain}/istio`,
  pem: `${urls.web}/p/${token}/{trustDomain}/pem`,
  broker: `${urls.spiffe}/bundle`,
});
