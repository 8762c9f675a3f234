import type { ProjectionName } from "../bundle/projections.ts";
import { pathOf } from "../request-target.ts";

/** What a request target asks for. */
export type Route =
  | { readonly kind: "own"; readonly projection: ProjectionName }
  | {
      readonly kind: "poller";
      readonly token: string;
      readonly trustDomain: string;
      readonly projection: ProjectionName;
    }
  | { readonly kind: "public"; readonly trustDomain: string; readonly projection: ProjectionName }
  | { readonly kind: "livez" }
  | { readonly kind: "readyz" };

const OWN: Record<string, Route> = {
  "/bundle": { kind: "own", projection: "spiffe" },
  "/bundle/istio": { kind: "own", projection: "istio" },
  "/bundle/pem": { kind: "own", projection: "pem" },
  "/livez": { kind: "livez" },
  "/readyz": { kind: "readyz" },
};

/**
 * Reads a request target (RFC 9112, 3.2); null for a path that is not one of ours. A query is ignored. Nothing is
 * percent-decoded: no token and no trust domain needs it (R4). Names are only looked up, so any text may stand for one.
 */
export function parseRoute(target: string): Route | null {
  const path = pathOf(target);
  if (path.startsWith("/p/")) return pollerRoute(path);
  if (path.startsWith("/bundles/")) {
    const named = nameAndProjection(path, "/bundles/".length);
    return named && { kind: "public", ...named };
  }
  return Object.hasOwn(OWN, path) ? (OWN[path] ?? null) : null;
}

function pollerRoute(path: string): Route | null {
  const end = path.indexOf("/", 3);
  if (end <= 3) return null;
  const named = nameAndProjection(path, end + 1);
  return named && { kind: "poller", token: path.slice(3, end), ...named };
}

function nameAndProjection(path: string, start: number): { trustDomain: string; projection: ProjectionName } | null {
  const slash = path.indexOf("/", start);
  const end = slash === -1 ? path.length : slash;
  const projection = projectionOf(path, end);
  return end === start || projection === null ? null : { trustDomain: path.slice(start, end), projection };
}

function projectionOf(path: string, end: number): ProjectionName | null {
  if (end === path.length) return "spiffe";
  if (path.endsWith("/istio") && path.length === end + "/istio".length) return "istio";
  if (path.endsWith("/pem") && path.length === end + "/pem".length) return "pem";
  return null;
}
