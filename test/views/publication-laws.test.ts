import fc from "fast-check";
import { expect, it } from "vitest";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { type EpochMs, SECOND_MS } from "../../src/time.ts";
import { createPublication, type Publication } from "../../src/views/publication.ts";
import type { AccessInput, DomainInput, PollerInput, PublicationChange } from "../../src/views/publication-inputs.ts";
import type { Shown } from "../../src/views/shown.ts";
import { BROKER, change, domain, granted, NOON, poller, withdrawn } from "./publication-fixture.ts";

const DOMAINS = ["one.example", "two.example"].map((name) => parseTrustDomain(name));
const MESHES = ["red", "blue"];
const POLLERS: readonly PollerInput[] = MESHES.map((meshId) => poller(meshId, { meshId, position: 0 }));

/** What may happen, each at a time that may lie before the last one's. `place` picks a domain, or a pair of mesh and domain. */
type Step =
  | {
      readonly kind: "revise";
      readonly place: number;
      readonly keys: readonly number[];
      readonly dropAfter: number | null;
    }
  | { readonly kind: "grant"; readonly place: number; readonly lasts: number | null }
  | { readonly kind: "withdraw"; readonly place: number }
  | { readonly kind: "distrust"; readonly place: number; readonly keys: readonly number[] }
  | { readonly kind: "wait" };

const place = fc.nat({ max: 3 });
const lasts = fc.option(fc.integer({ min: 1, max: 40 }), { nil: null });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("revise" as const),
    place,
    keys: fc.uniqueArray(fc.nat({ max: 4 }), { minLength: 1, maxLength: 3 }),
    dropAfter: lasts,
  }),
  fc.record({ kind: fc.constant("grant" as const), place, lasts }),
  fc.record({ kind: fc.constant("withdraw" as const), place }),
  fc.record({
    kind: fc.constant("distrust" as const),
    place,
    keys: fc.uniqueArray(fc.nat({ max: 4 }), { maxLength: 4 }),
  }),
  fc.constant({ kind: "wait" as const }),
);

/** The log and what it made of the state: two positions a step, of which the second bears sequences. */
class World {
  readonly domains = new Map<string, DomainInput>();
  readonly accesses = new Map<string, AccessInput>();
  /** By mesh and trust domain. */
  readonly distrusts = new Map<string, readonly string[]>();
  position = 0;

  take(step: Step, now: EpochMs): PublicationChange {
    this.position += 2;
    const next = { domains: [] as DomainInput[], accesses: [] as AccessInput[] };
    if (step.kind === "revise") next.domains.push(this.revise(step, now));
    if (step.kind === "grant" || step.kind === "withdraw") next.accesses.push(...this.decide(step, now));
    if (step.kind === "distrust") next.accesses.push(...this.distrust(step, now));
    for (const input of next.domains) this.domains.set(input.trustDomain, input);
    for (const input of next.accesses) this.accesses.set(`${input.meshId} ${input.trustDomain}`, input);
    return change(this.position, next);
  }

  rebuilt(): PublicationChange {
    const state = { domains: [...this.domains.values()], accesses: [...this.accesses.values()], pollers: POLLERS };
    return change(this.position, { rebuild: true, ...state });
  }

  private revise({ place, keys, dropAfter }: Step & { kind: "revise" }, now: EpochMs): DomainInput {
    const dropAt = dropAfter === null ? null : now + dropAfter * SECOND_MS;
    const names = Object.fromEntries(keys.map((key, index) => [`key-${key}`, index === 0 ? null : dropAt]));
    return domain(this.position, names, {
      trustDomain: DOMAINS[place % 2] as DomainInput["trustDomain"],
      lastModifiedSeconds: Math.floor(now / SECOND_MS),
    });
  }

  private decide(step: Step & { kind: "grant" | "withdraw" }, now: EpochMs): AccessInput[] {
    const meshId = MESHES[step.place >> 1] as string;
    const trustDomain = DOMAINS[step.place % 2] as DomainInput["trustDomain"];
    const before = this.accesses.get(`${meshId} ${trustDomain}`);
    const pair = { meshId, trustDomain, lastModifiedSeconds: Math.floor(now / SECOND_MS) };
    if (step.kind === "withdraw") {
      return before?.state === "granted" ? [withdrawn(this.position, { ...pair, at: now })] : [];
    }
    const position = before === undefined ? 0 : this.position;
    const until = step.lasts === null ? null : now + step.lasts * SECOND_MS;
    const lastModifiedSeconds = position === 0 ? 0 : pair.lastModifiedSeconds;
    const distrusted = this.distrusts.get(`${meshId} ${trustDomain}`) ?? [];
    return [granted({ ...pair, position, lastModifiedSeconds, until, distrusted })];
  }

  /** A consumer distrusts what it is served alone; the distrust outlives the access. */
  private distrust({ place, keys }: Step & { kind: "distrust" }, now: EpochMs): AccessInput[] {
    const pair = `${MESHES[place >> 1]} ${DOMAINS[place % 2]}`;
    const before = this.accesses.get(pair);
    if (before?.state !== "granted" || (before.until !== null && before.until <= now)) return [];
    const distrusted = keys.map((key) => `key-${key}`).sort();
    this.distrusts.set(pair, distrusted);
    return [{ ...before, position: this.position, lastModifiedSeconds: Math.floor(now / SECOND_MS), distrusted }];
  }
}

const fresh = (): Publication => {
  const publication = createPublication({ brokerTrustDomain: BROKER, tombstoneSeconds: 3600 });
  publication.apply(change(0, { pollers: POLLERS }), NOON);
  return publication;
};

/** Everything that anybody sees, by who and what. */
function everybodySees(publication: Publication, now: EpochMs): Map<string, Shown | "gone" | "absent"> {
  const seen = new Map<string, Shown | "gone" | "absent">();
  for (const who of POLLERS) {
    for (const trustDomain of DOMAINS) {
      seen.set(`${who.meshId} ${trustDomain}`, publication.look(who, trustDomain, now));
    }
  }
  return seen;
}

const keysOf = (shown: Shown): string[] =>
  JSON.parse(shown.replies().spiffe.text).keys.map(({ x }: { x: string }) => x);

const isShown = (seen: Shown | "gone" | "absent"): seen is Shown => typeof seen !== "string";

const jumpingClock = fc.array(fc.record({ step, seconds: fc.integer({ min: -30, max: 60 }) }), { maxLength: 25 });
const steadyClock = fc.array(fc.record({ step, seconds: fc.integer({ min: 1, max: 60 }) }), { maxLength: 25 });

it("no sequence falls, or repeats with other bytes, for any consumer, whatever happens and however the clock jumps (R16)", () => {
  fc.assert(
    fc.property(jumpingClock, (history) => {
      const world = new World();
      const publication = fresh();
      const last = new Map<string, Shown>();
      let now = NOON;
      for (const { step, seconds } of history) {
        now += seconds * SECOND_MS;
        publication.apply(world.take(step, now), now);
        for (const [who, seen] of everybodySees(publication, now)) {
          if (!isShown(seen)) continue;
          const before = last.get(who);
          last.set(who, seen);
          if (before === undefined) continue;
          expect(seen.sequence).toBeGreaterThanOrEqual(before.sequence);
          const sameBytes = seen.replies().spiffe.text === before.replies().spiffe.text;
          expect(sameBytes).toBe(seen.sequence === before.sequence);
          if (sameBytes) expect(seen.lastModifiedSeconds).toBe(before.lastModifiedSeconds);
          else expect(seen.lastModifiedSeconds).toBeGreaterThan(before.lastModifiedSeconds);
        }
      }
    }),
    { numRuns: 500 },
  );
});

it("nothing is served without a granted access, keys only while it lasts, and never one that the consumer distrusts", () => {
  fc.assert(
    fc.property(jumpingClock, (history) => {
      const world = new World();
      const publication = fresh();
      let now = NOON;
      for (const { step, seconds } of history) {
        now += seconds * SECOND_MS;
        publication.apply(world.take(step, now), now);
        for (const [who, seen] of everybodySees(publication, now)) {
          const access = world.accesses.get(who);
          const mayTrust = access?.state === "granted" && (access.until === null || now < access.until);
          const domain = access && world.domains.get(access.trustDomain);
          const keys = isShown(seen) ? keysOf(seen) : [];
          const distrusted = world.distrusts.get(who) ?? [];
          expect(keys.filter((key) => distrusted.includes(key))).toEqual([]);
          // Time takes all keys but the first.
          const first = domain?.authorities[0]?.authority.fingerprint ?? "";
          expect(keys.includes(first)).toBe(mayTrust && domain !== undefined && !distrusted.includes(first));
          if (!mayTrust) expect(keys).toEqual([]);
          if (access === undefined) expect(seen).toBe("absent");
        }
      }
    }),
    { numRuns: 500 },
  );
});

it("following the log step by step shows what one rebuild shows, while time alone changed nothing", () => {
  const timeless = steadyClock.map((history) =>
    history.map(({ step, seconds }) => {
      const still = { ...step };
      if (still.kind === "revise") return { seconds, step: { ...still, dropAfter: null } };
      return { seconds, step: still.kind === "grant" ? { ...still, lasts: null } : still };
    }),
  );
  fc.assert(
    fc.property(timeless, (history) => {
      const world = new World();
      const followed = fresh();
      let now = NOON;
      for (const { step, seconds } of history) {
        now += seconds * SECOND_MS;
        followed.apply(world.take(step, now), now);
      }
      const rebuilt = fresh();
      rebuilt.apply(world.rebuilt(), now);
      const bytes = (publication: Publication) =>
        [...everybodySees(publication, now)].map(([who, seen]) => [who, isShown(seen) ? seen.replies() : seen]);
      expect(bytes(followed)).toEqual(bytes(rebuilt));
      followed.apply(world.rebuilt(), now);
      expect(bytes(followed)).toEqual(bytes(rebuilt));
    }),
    { numRuns: 500 },
  );
});

it("what is shown holds until the next deadline", () => {
  fc.assert(
    fc.property(jumpingClock, fc.double({ min: 0, max: 1, noNaN: true }), (history, share) => {
      const world = new World();
      const publication = fresh();
      let now = NOON;
      for (const { step, seconds } of history) {
        now += seconds * SECOND_MS;
        publication.apply(world.take(step, now), now);
      }
      const before = [...everybodySees(publication, now)];
      const span = Math.min(publication.nextDeadline(), now + 1e6) - now;
      expect([...everybodySees(publication, now + Math.floor(span * share * 0.999))]).toEqual(before);
    }),
    { numRuns: 200 },
  );
});
