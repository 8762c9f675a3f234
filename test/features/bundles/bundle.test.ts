import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unexpired } from "../../../src/bundle/published.ts";
import {
  CONTRIBUTION_STATES,
  type Contribution,
  type ContributionState,
} from "../../../src/features/authorities/contribution.ts";
import {
  type AccessFacts,
  accessChange,
  type BundleAccess,
  grantedUntil,
  lastModifiedAfter,
  publishedBy,
} from "../../../src/features/bundles/bundle.ts";
import { parseMeshId } from "../../../src/features/meshes/mesh-id.ts";
import { parseTrustDomain } from "../../../src/spiffe/trust-domain.ts";
import { DAY_MS } from "../../../src/time.ts";
import { testCa } from "../../support/test-ca.ts";

const trustDomain = parseTrustDomain("shop.example");
const authority = testCa({ trustDomain }).authority();

interface Brought {
  readonly by: string;
  readonly fingerprint: string;
  readonly state: ContributionState;
}
const contribution = ({ by, fingerprint, state }: Brought, revoked: readonly string[] = []): Contribution => ({
  known: {
    authorityId: `aut_${fingerprint}`,
    trustDomain,
    authority: { ...authority, fingerprint },
    createdAt: 0,
    revokedAt: revoked.includes(fingerprint) ? 1 : null,
    revokedReason: null,
  },
  source: { kind: "mesh", id: by },
  state,
  createdAt: 0,
  changedAt: 0,
  reason: null,
  provedAt: null,
});

const brought = fc.uniqueArray(
  fc.record({
    by: fc.constantFrom("shop", "branch", "depot"),
    fingerprint: fc.constantFrom("a", "b", "c"),
    state: fc.constantFrom(...CONTRIBUTION_STATES),
  }),
  { selector: ({ by, fingerprint }) => `${by} ${fingerprint}` },
);

describe("what a trust domain publishes", () => {
  test("is each authority once that any source brings in a published state and nobody revoked", () => {
    fc.assert(
      fc.property(brought, fc.subarray(["a", "b", "c"]), (list, revoked) => {
        const published = publishedBy(list.map((one) => contribution(one, revoked)));
        const expected = ["a", "b", "c"].filter(
          (name) =>
            !revoked.includes(name) &&
            list.some((one) => one.fingerprint === name && !["claimed", "retired"].includes(one.state)),
        );
        expect(published.map((one) => one.authority.fingerprint).toSorted()).toEqual(expected);
      }),
    );
  });

  test("keeps an authority that one mesh retired while another still brings it", () => {
    const both = [
      contribution({ by: "shop", fingerprint: "a", state: "retired" }),
      contribution({ by: "branch", fingerprint: "a", state: "active" }),
    ];
    expect(publishedBy(both)).toHaveLength(1);
    expect(publishedBy(both.toReversed())).toHaveLength(1);
  });

  test("carries the instant at which time alone takes it out: 24 h after the certificate's end", () => {
    const [only] = publishedBy([contribution({ by: "shop", fingerprint: "a", state: "active" })]);
    expect(only?.dropAt).toBe(authority.notAfter + DAY_MS);
  });

  test("is never emptied by time alone, only by retirement and revocation", () => {
    const active = { by: "shop", fingerprint: "a", state: "active" } as const;
    const longAfter = authority.notAfter + 1000 * DAY_MS;
    const left = (contributions: Contribution[], now: number) => unexpired(publishedBy(contributions), now).length;
    expect(left([contribution(active)], longAfter)).toBe(1);
    expect(left([contribution({ ...active, state: "retired" })], 0)).toBe(0);
    expect(left([contribution(active, ["a"])], 0)).toBe(0);
    expect(left([], 0)).toBe(0);
  });
});

const end = fc.option(fc.integer({ min: 1, max: 9 }), { freq: 4 });
const distrusted = fc.constantFrom([], ["a"], ["a", "b"]);
const facts = fc.record({ member: fc.boolean(), federationEnds: fc.array(end, { maxLength: 4 }), distrusted });
const access = (
  state: "granted" | "withdrawn",
  until: number | null,
  distrusted: readonly string[] = [],
): BundleAccess => ({
  meshId: parseMeshId("bank"),
  trustDomain,
  state,
  position: 0,
  lastModifiedSeconds: 0,
  until,
  at: 0,
  distrusted,
});
const recorded = fc.option(
  fc.oneof(
    fc.tuple(end, distrusted).map(([until, names]) => access("granted", until, names)),
    fc.constant(access("withdrawn", null)),
  ),
  { nil: undefined },
);

describe("a consumer's access", () => {
  test("lasts as long as any one reason for it: membership has no end, of federations the last counts", () => {
    fc.assert(
      fc.property(facts, fc.integer({ min: 0, max: 12 }), (given, now) => {
        const until = grantedUntil(given);
        const open = (at: number | null) => at === null || at > now;
        const anyReason = given.member || given.federationEnds.some(open);
        expect(until !== undefined && open(until)).toBe(anyReason);
      }),
    );
  });

  test.each<[string, BundleAccess | undefined, Partial<AccessFacts>, string | undefined]>([
    [
      "granted, and distrusts an authority",
      access("granted", 5),
      { federationEnds: [5], distrusted: ["a"] },
      "distrust-changed",
    ],
    [
      "granted, and distrusts another",
      access("granted", 5, ["b"]),
      { federationEnds: [7], distrusted: ["a"] },
      "distrust-changed",
    ],
    ["granted, and distrusts none any more", access("granted", 5, ["a"]), { federationEnds: [5] }, "distrust-changed"],
    [
      "granted, and distrusts what it did",
      access("granted", 5, ["a"]),
      { federationEnds: [5], distrusted: ["a"] },
      undefined,
    ],
    ["withdrawn still, whatever it distrusts", access("withdrawn", null, ["a"]), {}, undefined],
    [
      "withdrawn, and a new reason, without what it distrusts",
      access("withdrawn", null),
      { member: true, distrusted: ["a"] },
      "regranted",
    ],
    ["never granted, and no reason", undefined, { member: false, federationEnds: [] }, undefined],
    ["never granted", undefined, { member: false, federationEnds: [null] }, "granted"],
    ["granted, and the reason is gone", access("granted", null), { member: false, federationEnds: [] }, "withdrawn"],
    ["withdrawn still", access("withdrawn", null), { member: false, federationEnds: [] }, undefined],
    ["withdrawn, and a new reason", access("withdrawn", null), { member: false, federationEnds: [5] }, "regranted"],
    ["granted until another instant", access("granted", 4), { member: false, federationEnds: [5] }, "changed"],
    ["granted as before", access("granted", 5), { member: false, federationEnds: [5, 3] }, undefined],
    ["granted as a member", access("granted", 5), { member: true, federationEnds: [5] }, "changed"],
  ])("changes by the facts alone: %s", (_, before, given, change) => {
    expect(accessChange(before, { member: false, federationEnds: [], distrusted: [], ...given })).toBe(change);
  });

  test("shows a tombstone to nobody who was never granted anything (decision 7)", () => {
    fc.assert(
      fc.property(recorded, facts, (before, given) => {
        if (accessChange(before, given) === "withdrawn") expect(before?.state).toBe("granted");
      }),
    );
  });

  test("once recorded, does not change again by the same facts", () => {
    fc.assert(
      fc.property(recorded, facts, (before, given) => {
        const change = accessChange(before, given);
        if (change === undefined) return;
        const until = grantedUntil(given);
        const after =
          change === "withdrawn" ? access("withdrawn", null) : access("granted", until ?? null, given.distrusted);
        expect(accessChange(after, given)).toBeUndefined();
      }),
    );
  });
});

test("Last-Modified rises with every change, in whole seconds, whatever the clock does", () => {
  const clock = fc.array(fc.integer({ min: 0, max: 9_999 }), { minLength: 1 });
  fc.assert(
    fc.property(clock, (instants) => {
      let shown = -1;
      for (const now of instants) {
        const next = lastModifiedAfter(shown, now);
        expect(next).toBeGreaterThan(shown);
        expect(next).toBe(Math.floor(now / 1000) > shown ? Math.floor(now / 1000) : shown + 1);
        shown = next;
      }
    }),
  );
});
