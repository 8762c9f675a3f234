import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type ClientSeen, fingerprintOf, MAX_CLIENTS, productsOf } from "../features/pollers/poller-client.ts";
import type { Clock } from "../time.ts";
import type { PollerInput } from "../views/publication-inputs.ts";
import { type Outgoing, oneAtATime } from "./one-at-a-time.ts";

/** Kinds of client software on their way to the store. */
export interface ClientOutbox extends Outgoing {
  /** The poller's URL is polled with success. A client like the poller's last one costs a comparison (S35). */
  note(poller: PollerInput, request: IncomingMessage): void;
}

/** Kinds that wait for a store that cannot be written; more are left to a later poll of theirs. */
const MAX_WAITING = 10_000;
/** A longer User-Agent is read anew at each poll, and not kept. */
const MAX_KEPT_LENGTH = 256;

/** What this thread knows of a poller's clients. */
interface Known {
  /** The last client, as it came; null before the first. */
  last: { readonly userAgent: string | undefined; readonly library: string } | null;
  readonly fingerprints: Set<string>;
}

/** @param send resolves when the batch is in the store */
export function clientOutbox(send: (batch: readonly ClientSeen[]) => Promise<void>, clock: Clock): ClientOutbox {
  /** A poller that is changed or loaded anew is another object: the store is asked again what is known of its clients. */
  const ofPollers = new WeakMap<PollerInput, Known>();
  let waiting: ClientSeen[] = [];

  async function sendWaiting(): Promise<void> {
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    await send(batch);
  }

  /** @returns false where there is no room for it now */
  function remember({ fingerprints }: Known, client: Omit<ClientSeen, "at">): boolean {
    if (fingerprints.has(client.fingerprint) || fingerprints.size >= MAX_CLIENTS) return true;
    if (waiting.length >= MAX_WAITING) return false;
    fingerprints.add(client.fingerprint);
    waiting.push({ ...client, at: clock() });
    return true;
  }

  return {
    ...oneAtATime(sendWaiting),
    note(poller, { headers, socket }) {
      const userAgent = headers["user-agent"];
      const library = libraryOf(socket);
      if (library === undefined) return;
      const before = ofPollers.get(poller);
      if (before?.last?.library === library && before.last.userAgent === userAgent) return;
      const known = before ?? { last: null, fingerprints: new Set() };
      if (before === undefined) ofPollers.set(poller, known);
      const products = productsOf(userAgent);
      const fingerprint = fingerprintOf(products, library);
      const source = socket.remoteAddress ?? "";
      if (!remember(known, { pollerId: poller.pollerId, fingerprint, products, source })) return;
      if (userAgent === undefined || userAgent.length <= MAX_KEPT_LENGTH) known.last = { userAgent, library };
    },
  };
}

/** Signature schemes that some TLS libraries offer and others do not, each whatever its version (docs/decisions/0016). */
const TELLING = ["Ed25519", "Ed448"] as const;
const libraries = new WeakMap<Socket, string>();

/** What the handshake says of the client's TLS library; asked once a connection, and undefined of one that is closed. */
function libraryOf(socket: Socket): string | undefined {
  const known = libraries.get(socket);
  if (known !== undefined) return known;
  const offered = (socket as TLSSocket).getSharedSigalgs() as string[] | null;
  if (offered === null) return undefined;
  const library = TELLING.filter((scheme) => offered.some((each) => each.startsWith(`${scheme}+`))).join(" ");
  libraries.set(socket, library);
  return library;
}
