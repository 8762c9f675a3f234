import { hash } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { addressKey } from "../address-key.ts";
import { hasItsHost } from "../host-header.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import type { Clock } from "../time.ts";
import type { Fetch, Publication } from "../views/publication.ts";
import type { PollerInput } from "../views/publication-inputs.ts";
import { type Canned, cannedHealth, cannedProblem } from "./canned.ts";
import type { ClientOutbox } from "./clients.ts";
import { evaluate } from "./conditional.ts";
import type { CounterName, CounterWriter } from "./counters.ts";
import { type DeliveryOutbox, provesDelivery, type Served } from "./delivery.ts";
import type { EndpointLimits } from "./endpoint-limits.ts";
import { parseRoute, type Route } from "./route.ts";
import { retryAfterSeconds, tokenLimits } from "./token-limits.ts";

export interface HandlerParts {
  readonly publication: Publication;
  readonly brokerTrustDomain: TrustDomain;
  readonly outbox: DeliveryOutbox;
  readonly clients: Pick<ClientOutbox, "note">;
  /** Told of a poller's first fetch of a bundle before it leaves. */
  readonly onFirstFetch: (fetch: Fetch) => void;
  readonly counters: CounterWriter;
  readonly limits: EndpointLimits;
  readonly clock: Clock;
  /** Why the listener is not ready; empty when it is (L8). */
  readonly unreadiness: () => readonly string[];
  /** Whether connections are to close after their answer. */
  readonly stopping: () => boolean;
}

/** Answers the requests of one listener; `onSuccess` is told the address of each successful poll (S59). */
export type BundleHandler = (onSuccess: (address: string) => void) => RequestListener;

/** A bundle that the caller may see. */
interface Found extends Served {
  /** Null for what anybody may see. */
  readonly poller: PollerInput | null;
}

export const METHOD_NOT_ALLOWED = cannedProblem("method-not-allowed", ["Allow", "GET, HEAD"]);
const MALFORMED = cannedProblem("malformed-request");
const NOT_FOUND = cannedProblem("not-found");
const GONE = cannedProblem("bundle-withdrawn");
const NOT_LOADED = cannedProblem("not-ready", ["Retry-After", "1"]);
const ALIVE = cannedHealth([]);

export function bundleHandler(parts: HandlerParts): BundleHandler {
  const { publication, outbox, counters, clock } = parts;
  const limit = tokenLimits(parts.limits);
  const retryAfter = retryAfterSeconds(parts.limits);
  const tooManyUnknown = cannedProblem("too-many-requests", ["Retry-After", String(retryAfter.unknown)]);
  const tooManyPolls = cannedProblem("too-many-requests", ["Retry-After", String(retryAfter.valid)]);

  return (onSuccess) => (request, response) => {
    if (parts.stopping()) response.shouldKeepAlive = false;
    const outcome = decide(request, response);
    if ("status" in outcome) sendCanned(outcome, request, response);
    else sendBundle(outcome, request, response, onSuccess);
  };

  function decide(request: IncomingMessage, response: ServerResponse): Canned | Found {
    const { method, url, socket } = request;
    if (!hasItsHost(request)) {
      response.shouldKeepAlive = false;
      return MALFORMED;
    }
    if (method !== "GET" && method !== "HEAD") {
      // Its body is left unread.
      response.shouldKeepAlive = false;
      return METHOD_NOT_ALLOWED;
    }
    const route = parseRoute(url ?? "");
    if (route === null) return NOT_FOUND;
    if (route.kind === "livez") return ALIVE;
    if (route.kind === "readyz") return cannedHealth(parts.unreadiness());
    if (publication.position() < 0) return NOT_LOADED;
    if (route.kind === "poller") return findForPoller(route, socket.remoteAddress ?? "");
    const trustDomain = route.kind === "own" ? parts.brokerTrustDomain : (route.trustDomain as TrustDomain);
    const shown = route.kind === "own" ? publication.lookOwn(clock()) : publication.lookPublic(trustDomain, clock());
    return shown === "absent" ? NOT_FOUND : { shown, trustDomain, projection: route.projection, poller: null };
  }

  function findForPoller({ token, trustDomain, projection }: Route & { kind: "poller" }, address: string) {
    const now = clock();
    const poller = publication.poller(hash("sha256", token, "hex"), now);
    if (poller === undefined) {
      counters.add("unknownTokens");
      return limit.unknown.admit(addressKey(address), performance.now()) ? NOT_FOUND : tooManyUnknown;
    }
    if (!limit.valid.admit(poller.pollerId, performance.now())) return tooManyPolls;
    const shown = publication.look(poller, trustDomain, now);
    if (shown === "absent") return NOT_FOUND;
    if (shown === "gone") return GONE;
    return { shown, trustDomain: trustDomain as TrustDomain, projection, poller };
  }

  function sendBundle(
    found: Found,
    request: IncomingMessage,
    response: ServerResponse,
    onSuccess: (address: string) => void,
  ): void {
    const { shown, poller, trustDomain } = found;
    const { method, headers, socket } = request;
    const reply = shown.replies()[found.projection];
    const { etag, lastModifiedSeconds } = reply;
    const condition = evaluate(headers["if-none-match"], headers["if-modified-since"], etag, lastModifiedSeconds);
    const whole = condition === "send";
    if (poller !== null && shown.revision !== null && provesDelivery(method, condition)) {
      if (!publication.hasFetched(poller, trustDomain))
        parts.onFirstFetch({ pollerId: poller.pollerId, meshId: poller.meshId, trustDomain });
    }
    // Whoever takes the answer and cuts it off at its last byte has polled too.
    if (poller !== null) parts.clients.note(poller, request);
    const audience = poller === null ? "public" : "private";
    counters.add(whole ? "replies200" : "replies304");
    response.writeHead(whole ? 200 : 304, whole ? reply.headers[audience] : reply.notModified[audience]);
    response.end(whole && method === "GET" ? reply.text : "", "latin1", () => {
      // A reply that was cut off midway finishes too.
      if (poller === null || !response.writableFinished || socket.destroyed) return;
      onSuccess(socket.remoteAddress ?? "");
      if (!provesDelivery(method, condition)) return;
      publication.noteDelivery(poller, trustDomain, shown);
      outbox.note(poller, found, clock());
    });
  }

  function sendCanned({ status, headers, body }: Canned, { method }: IncomingMessage, response: ServerResponse): void {
    counters.add(status === 400 ? "malformedRequests" : (`replies${status}` as CounterName));
    response.writeHead(status, headers);
    response.end(method === "HEAD" ? undefined : body);
  }
}
