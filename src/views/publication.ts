import { deadlinesOf } from "../bundle/published.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import type { EpochMs } from "../time.ts";
import { type ConsumerAccess, isGone, type Past, showAccess } from "./consumer-access.ts";
import { type NumberAhead, numbersAhead } from "./numbers-ahead.ts";
import { type PollerRegister, pollerRegister } from "./poller-register.ts";
import type { DomainInput, PollerInput, PublicationChange } from "./publication-inputs.ts";
import { ALWAYS, holdsAt, narrowed, type PublishedDomain, publishDomain } from "./published-domain.ts";
import type { Shown } from "./shown.ts";

export interface PublicationOptions {
  /** The broker's own trust domain, served to anybody. */
  readonly brokerTrustDomain: TrustDomain;
  readonly tombstoneSeconds: number;
  /** What an earlier process gave out beyond the log. */
  readonly ahead?: readonly NumberAhead[];
  /** Told of all numbers beyond the log whenever they change, before anybody is shown one. */
  readonly onAhead?: (all: readonly NumberAhead[]) => void;
  /** Fetches by an earlier process that the ledger may not know. */
  readonly fetchedBefore?: readonly Fetch[];
}

/** That a poller fetched a trust domain's bundle. */
export interface Fetch {
  readonly pollerId: string;
  readonly meshId: string;
  readonly trustDomain: string;
}

/**
 * What the public listener serves, derived from the event log. What is shown is settled when a change is applied or a
 * deadline passes, and its bytes are made once. Time is passed in and may run backwards.
 */
export interface Publication {
  /** Takes over what the log says; changes come in the log's order. */
  apply(change: PublicationChange, now: EpochMs): void;
  /** Shows what the clock alone changed since; cheap when nothing fell due. */
  advance(now: EpochMs): void;
  /** The next instant at which the clock alone changes something; infinite for never. */
  nextDeadline(): EpochMs;
  /** Position of the event log up to which it is applied; -1 before the first change. */
  position(): number;
  /** The unrevoked, unexpired poller of a capability URL, by the SHA-256 of its token. */
  poller(tokenHash: string, now: EpochMs): PollerInput | undefined;
  /** What a poller may see of a trust domain: `gone` is a tombstone that has done its work, `absent` everything else. */
  look(poller: PollerInput, trustDomain: string, now: EpochMs): Shown | "gone" | "absent";
  /** A trust domain declared public. */
  lookPublic(trustDomain: string, now: EpochMs): Shown | "absent";
  /** The broker's own bundle. */
  lookOwn(now: EpochMs): Shown | "absent";
  /** A poller was served what it sees: with a bundle it comes to owe a tombstone, with the tombstone it owes it no more. */
  noteDelivery(poller: PollerInput, trustDomain: string, shown: Shown): void;
  /** Whether a poller is known to have fetched the bundle, by this process or as `fetchedBefore` says. */
  hasFetched(poller: PollerInput, trustDomain: string): boolean;
}

type Accesses = Map<string, ConsumerAccess>;

export function createPublication(options: PublicationOptions): Publication {
  const { brokerTrustDomain, tombstoneSeconds } = options;
  const ahead = numbersAhead(options.ahead ?? [], options.onAhead ?? (() => {}));
  const domains = new Map<string, PublishedDomain>();
  /** By trust domain, then by mesh ID. */
  const accesses = new Map<string, Accesses>();
  const pollers: PollerRegister = pollerRegister();
  const heldBefore = Map.groupBy(options.fetchedBefore ?? [], ({ meshId, trustDomain }) => `${meshId} ${trustDomain}`);
  let generation = 0;
  let position = -1;
  let span = ALWAYS;

  function publish(input: DomainInput, deadlines: readonly EpochMs[], now: EpochMs): void {
    const last = domains.get(input.trustDomain)?.shown ?? null;
    const remembered = ahead.remembered(null, input.trustDomain);
    const domain = publishDomain(input, deadlines, generation, last, remembered, now);
    domains.set(input.trustDomain, domain);
    ahead.note(null, input.trustDomain, domain.ahead ? domain.shown : null);
    span = narrowed(span, domain.span);
  }

  function showTo(meshId: string, access: ConsumerAccess | null, input: ConsumerAccess["input"], now: EpochMs): void {
    const { trustDomain } = input;
    const past: Past = {
      access,
      shown: ahead.remembered(meshId, trustDomain),
      fetched: heldBefore.get(`${meshId} ${trustDomain}`) ?? [],
    };
    const next = showAccess(input, past, domains.get(trustDomain), generation, now);
    ahead.note(meshId, trustDomain, next.ahead);
    const ofDomain = accesses.get(trustDomain) ?? new Map<string, ConsumerAccess>();
    accesses.set(trustDomain, ofDomain.set(meshId, next));
    span = narrowed(span, next.span);
  }

  function showToAll(trustDomain: string, now: EpochMs): void {
    for (const [meshId, access] of accesses.get(trustDomain) ?? []) showTo(meshId, access, access.input, now);
  }

  function advance(now: EpochMs): void {
    if (holdsAt(span, now)) return;
    passDeadlines(now);
    ahead.keep();
  }

  function passDeadlines(now: EpochMs): void {
    span = ALWAYS;
    for (const [trustDomain, domain] of domains) {
      if (holdsAt(domain.span, now)) span = narrowed(span, domain.span);
      else {
        publish(domain.input, domain.deadlines, now);
        showToAll(trustDomain, now);
      }
    }
    for (const ofDomain of accesses.values()) {
      for (const [meshId, access] of ofDomain) {
        if (holdsAt(access.span, now)) span = narrowed(span, access.span);
        else showTo(meshId, access, access.input, now);
      }
    }
  }

  function forget(change: PublicationChange): void {
    for (const trustDomain of change.removedDomains) domains.delete(trustDomain);
    for (const { meshId, trustDomain } of change.removedAccesses) {
      accesses.get(trustDomain)?.delete(meshId);
      ahead.note(meshId, trustDomain, null);
    }
    if (!change.rebuild) return;
    const named = new Set<string>(change.domains.map(({ trustDomain }) => trustDomain));
    for (const trustDomain of domains.keys()) if (!named.has(trustDomain)) domains.delete(trustDomain);
    const allowed = new Set(change.accesses.map(({ trustDomain, meshId }) => `${meshId} ${trustDomain}`));
    for (const [trustDomain, ofDomain] of accesses) {
      for (const meshId of ofDomain.keys()) if (!allowed.has(`${meshId} ${trustDomain}`)) ofDomain.delete(meshId);
      if (ofDomain.size === 0) accesses.delete(trustDomain);
    }
  }

  function apply(change: PublicationChange, now: EpochMs): void {
    advance(now);
    const touched = new Set<string>([
      ...change.removedDomains,
      ...change.domains.map(({ trustDomain }) => trustDomain),
    ]);
    if (change.generation !== generation) {
      for (const trustDomain of [...domains.keys(), ...accesses.keys()]) touched.add(trustDomain);
      generation = change.generation;
    }
    forget(change);
    const inputs = new Map(change.domains.map((input) => [input.trustDomain as string, input]));
    for (const trustDomain of touched) {
      const input = inputs.get(trustDomain) ?? domains.get(trustDomain)?.input;
      if (input !== undefined) publish(input, deadlinesOf(input.authorities), now);
    }
    for (const input of change.accesses) {
      showTo(input.meshId, accesses.get(input.trustDomain)?.get(input.meshId) ?? null, input, now);
    }
    for (const trustDomain of touched) showToAll(trustDomain, now);
    ahead.keep();
    pollers.apply(change);
    position = Math.max(position, change.upTo);
  }

  return {
    apply,
    advance,
    nextDeadline: () => span.until,
    position: () => position,
    poller: pollers.ofToken,
    look({ meshId, position: madeAt }, trustDomain, now) {
      advance(now);
      const access = accesses.get(trustDomain)?.get(meshId);
      if (access === undefined || access.shown === null || access.state === "nothing") return "absent";
      if (access.state === "bundle") return access.shown;
      if (access.input.state === "withdrawn" && madeAt > access.input.position) return "absent";
      return isGone(access, tombstoneSeconds, now, (id) => pollers.isLive(id, now)) ? "gone" : access.shown;
    },
    lookPublic(trustDomain, now) {
      advance(now);
      const domain = domains.get(trustDomain);
      return domain?.input.public ? domain.shown : "absent";
    },
    lookOwn(now) {
      advance(now);
      return domains.get(brokerTrustDomain)?.shown ?? "absent";
    },
    noteDelivery({ pollerId, meshId }, trustDomain, shown) {
      const access = accesses.get(trustDomain)?.get(meshId);
      if (access === undefined) return;
      if (shown.revision !== null) {
        access.holders.add(pollerId);
        // Mostly nobody was: then the set's table is not even touched.
        if (access.told.size > 0) access.told.delete(pollerId);
      } else if (access.state === "tombstone" && access.shown === shown) access.told.add(pollerId);
    },
    hasFetched: ({ pollerId, meshId }, trustDomain) =>
      accesses.get(trustDomain)?.get(meshId)?.holders.has(pollerId) ?? false,
  };
}
