import fc from "fast-check";
import { DAY_MS, HOUR_MS, SECOND_MS } from "../../src/time.ts";

/** Which of what there is: taken modulo its number. */
const nth = fc.nat({ max: 5 });
const trustDomain = fc.nat({ max: 2 });
const decision = fc.constantFrom("grant", "grant", "grant", "deny", "withdraw");
/** Which of both directions, by consumer. */
const trust = fc.constantFrom("both", "both", "both", "first", "second");
/** From now on; null for without an end. */
const endsIn = fc.constantFrom(null, null, 2 * HOUR_MS, 30 * HOUR_MS, 4 * DAY_MS);
/** Two seconds or more: what is less is no jump to the deadline keeper. */
const moment = fc.constantFrom(2 * SECOND_MS, 20 * SECOND_MS, HOUR_MS, 3 * HOUR_MS, 25 * HOUR_MS, 8 * DAY_MS);

/** What anybody, or the clock, can do to a broker. */
export const anyStep = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("register"), trustDomain }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("contribute"),
      mesh: nth,
      authority: nth,
      state: fc.constantFrom(undefined, "prepared", "active"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("transition"),
      contribution: nth,
      to: fc.constantFrom("active", "retiring", "retired", "revoked"),
      force: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("membership"),
      mesh: nth,
      decision: fc.constantFrom("grant", "grant", "deny", "expel"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("trust domain"),
      trustDomain,
      refreshHintSeconds: fc.constantFrom(60, 300, 900),
      public: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("propose"),
      proposer: nth,
      peer: nth,
      trust,
      endsIn,
      byOperator: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("agree"), proposer: nth, peer: nth, trust, endsIn }),
  },
  {
    weight: 7,
    arbitrary: fc.record({ kind: fc.constant("consent"), federation: nth, side: fc.nat({ max: 1 }), decision }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("veto"), federation: nth, party: fc.nat({ max: 1 }), decision }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("terms"), federation: nth, side: fc.nat({ max: 1 }), trust, endsIn }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("poller"), mesh: nth, endsIn: fc.constantFrom(null, null, 3 * HOUR_MS) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("revoke poller"), poller: nth }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("deliver"), poller: nth, trustDomain }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("distrust"),
      mesh: nth,
      trustDomain,
      authority: nth,
      force: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("lift"), distrust: nth }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("pass"), ms: moment }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass to a deadline") }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("set the clock"), by: moment, back: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("keeper"), on: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("restart") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("suspend"), mesh: nth, on: fc.constant(true) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("suspend"), mesh: nth, on: fc.constant(false) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("transfer"), mesh: nth }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete"), mesh: nth, withdraw: fc.boolean() }) },
);

export type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never;

/**
 * Three trust domains with a bundle and a poller each, one of them with a second member, which has a federation. Four CAs
 * of one trust domain end one after the other.
 */
export const opening: readonly Step[] = [
  ...[0, 1, 2, 0].map((trustDomain) => ({ kind: "register" as const, trustDomain })),
  { kind: "membership", mesh: 3, decision: "grant" },
  ...[0, 1, 2].map((mesh) => ({ kind: "contribute" as const, mesh, authority: mesh, state: undefined })),
  ...[1, 3, 5].map((authority) => ({ kind: "contribute" as const, mesh: 0, authority, state: undefined })),
  ...[0, 1, 2].map((mesh) => ({ kind: "poller" as const, mesh, endsIn: null })),
  { kind: "agree", proposer: 3, peer: 1, trust: "both", endsIn: null },
];
