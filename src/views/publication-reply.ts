import { hash } from "node:crypto";
import { type ProjectionName, renderProjections } from "../bundle/projections.ts";
import type { Authority, Sha256Hex } from "../pki/authority.ts";
import { SAFE_HEADERS } from "../safe-headers.ts";

/** One representation, ready to be written. */
export interface Reply {
  /** Its bytes as latin1: a string leaves in one write with its headers, a buffer takes two. */
  readonly text: string;
  /** `"` + SHA-256 of the bytes in hexadecimal + `"`. */
  readonly etag: string;
  /** Whole seconds since the epoch. */
  readonly lastModifiedSeconds: number;
  /** Names and values in turn, as `writeHead` takes them; for a reply behind a capability URL, or to anybody (S34). */
  readonly headers: { readonly private: string[]; readonly public: string[] };
  /** The headers of a 304: those that RFC 9110, 15.4.5 asks for. The others are those of the stored reply. */
  readonly notModified: { readonly private: string[]; readonly public: string[] };
}

export type Replies = Readonly<Record<ProjectionName, Reply>>;

interface Representation {
  readonly contentType: string;
  /** Bytes as latin1. */
  readonly text: string;
  readonly etag: string;
}

/** The bytes of every projection of a bundle, each with its ETag; `withLastModified` makes replies of them. */
export type Representations = Readonly<Record<ProjectionName, Representation>>;

/**
 * What every answer of the bundle endpoint carries, as `writeHead` takes it: robots come to it, and index nothing (S34). Who
 * may keep it, a `Cache-Control` of its own says.
 */
export const BUNDLE_ENDPOINT_HEADERS: readonly string[] = [
  ...Object.entries(SAFE_HEADERS).flat(),
  "X-Robots-Tag",
  "noindex",
];

export function representationsOf(
  authorities: readonly Authority[],
  refreshHintSeconds: number,
  sequence: number,
): Representations {
  const rendered = renderProjections(authorities, refreshHintSeconds, sequence);
  return ofEach(rendered, ({ contentType, body }) => ({
    contentType,
    text: body.toString("latin1"),
    etag: `"${sha256(body)}"`,
  }));
}

export const repliesOf = (representations: Representations, lastModifiedSeconds: number): Replies =>
  ofEach(representations, (representation) => replyOf(representation, lastModifiedSeconds));

function replyOf({ contentType, text, etag }: Representation, lastModifiedSeconds: number): Reply {
  const lastModified = new Date(lastModifiedSeconds * 1000).toUTCString();
  const headers = (cacheControl: string) => [
    "Content-Type",
    contentType,
    "Content-Length",
    String(text.length),
    ...notModified(cacheControl),
    "Last-Modified",
    lastModified,
    ...BUNDLE_ENDPOINT_HEADERS,
  ];
  const notModified = (cacheControl: string) => ["ETag", etag, "Cache-Control", cacheControl];
  return {
    text,
    etag,
    lastModifiedSeconds,
    headers: { private: headers(PRIVATE), public: headers(PUBLIC) },
    notModified: { private: notModified(PRIVATE), public: notModified(PUBLIC) },
  };
}

const PRIVATE = "private, no-cache";
const PUBLIC = "public, no-cache";

const sha256 = (bytes: Buffer): Sha256Hex => hash("sha256", bytes, "hex");

/** Makes something of each projection; of two that are one, one thing. */
function ofEach<From, To>(
  { spiffe, istio, pem }: Readonly<Record<ProjectionName, From>>,
  make: (from: From) => To,
): Record<ProjectionName, To> {
  const made = make(spiffe);
  return { spiffe: made, istio: istio === spiffe ? made : make(istio), pem: make(pem) };
}
