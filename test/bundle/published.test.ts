import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalOrder,
  deadlinesOf,
  dropAtOf,
  nextDeadline,
  type PublishedAuthority,
  unexpired,
} from "../../src/bundle/published.ts";
import { jwtAuthority } from "../../src/pki/jwt-key.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/time.ts";
import { testCa } from "../support/test-ca.ts";
import { jwtEntry, NOW, shopCa, TRUST_DOMAIN } from "./entries.ts";

const x509 = shopCa.authority(NOW);
const jwt = await jwtAuthority(jwtEntry("k"));
const published = (authority: PublishedAuthority["authority"]) => ({ authority, dropAt: dropAtOf(authority) });

/** Real authorities, but for when the certificates end: in small numbers, so that ties and exact hits are frequent. */
const revision = fc
  .record({ ends: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 6 }), jwtKeys: fc.nat(2) })
  .map(({ ends, jwtKeys }) => [
    ...ends.map((end, index) => published({ ...x509, fingerprint: `${index}`, notAfter: end - DAY_MS })),
    ...Array.from({ length: jwtKeys }, (_, index) => published({ ...jwt, fingerprint: `jwt${index}` })),
  ])
  .chain((authorities) => fc.shuffledSubarray(authorities, { minLength: authorities.length }));
const instant = fc.integer({ min: -1, max: 13 });

describe("canonical order", () => {
  test("is X.509 before JWT, then by fingerprint, whatever the order given", () => {
    const authorities = [
      ...["b", "a", "c"].map((fingerprint) => ({ ...x509, fingerprint })),
      { ...jwt, fingerprint: "0" },
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(authorities, { minLength: 4 }), (shuffled) => {
        expect(canonicalOrder(shuffled).map(({ fingerprint }) => fingerprint)).toEqual(["a", "b", "c", "0"]);
      }),
    );
  });
});

describe("an authority leaves by time alone", () => {
  test("24 hours after its certificate expired, to the millisecond; a JWT key never", () => {
    expect(dropAtOf(x509)).toBe(x509.notAfter + 24 * HOUR_MS);
    expect(dropAtOf(jwt)).toBeNull();
    const later = testCa({ trustDomain: TRUST_DOMAIN, notAfter: x509.notAfter + 90 * DAY_MS }).authority(NOW);
    const both = [published(x509), published(later)];
    const dropAt = x509.notAfter + DAY_MS;
    expect(nextDeadline(both, NOW)).toBe(dropAt);
    expect(unexpired(both, dropAt - 1)).toEqual(both);
    expect(unexpired(both, dropAt)).toEqual([published(later)]);
  });

  test("but the last CA stays, though a JWT key would be left (time never empties a bundle)", () => {
    const bundle = [published(x509), published(jwt)];
    expect(unexpired(bundle, x509.notAfter + 1000 * DAY_MS)).toEqual(bundle);
    expect(nextDeadline(bundle, NOW)).toBeNull();
  });

  test("and CAs that expired last together stay together", () => {
    const ending = (fingerprint: string, notAfter: number) => published({ ...x509, fingerprint, notAfter });
    const bundle = [ending("a", NOW), ending("b", NOW + MINUTE_MS), ending("c", NOW + MINUTE_MS)];
    expect(unexpired(bundle, NOW + 9 * DAY_MS)).toEqual(bundle.slice(1));
  });
});

describe("for every revision and every instant", () => {
  test("of each type of authority that was published, one is left", () => {
    fc.assert(
      fc.property(revision, instant, (authorities, now) => {
        const left = new Set(unexpired(authorities, now).map(({ authority }) => authority.type));
        expect(left).toEqual(new Set(authorities.map(({ authority }) => authority.type)));
      }),
    );
  });

  test("what is left is left out of the same authorities, in their order, and only what is due is gone", () => {
    fc.assert(
      fc.property(revision, instant, (authorities, now) => {
        const left = unexpired(authorities, now);
        expect(left).toEqual(authorities.filter((one) => left.includes(one)));
        for (const { dropAt } of authorities.filter((one) => !left.includes(one)))
          expect(dropAt).toBeLessThanOrEqual(now);
      }),
    );
  });

  test("what is due is gone unless all of its type is due", () => {
    fc.assert(
      fc.property(revision, instant, (authorities, now) => {
        const due = ({ dropAt }: PublishedAuthority) => dropAt !== null && dropAt <= now;
        const stillGood = authorities.filter((one) => one.authority.type === "x509" && !due(one));
        fc.pre(stillGood.length > 0);
        expect(unexpired(authorities, now).some(due)).toBe(false);
      }),
    );
  });

  test("time only takes away, and in steps or at once it takes the same", () => {
    fc.assert(
      fc.property(revision, instant, instant, (authorities, one, other) => {
        const [sooner, later] = [Math.min(one, other), Math.max(one, other)];
        expect(unexpired(unexpired(authorities, sooner), later)).toEqual(unexpired(authorities, later));
      }),
    );
  });

  test("nothing changes before the deadline, and something does at it", () => {
    fc.assert(
      fc.property(revision, instant, (authorities, now) => {
        const deadline = nextDeadline(authorities, now);
        const left = unexpired(authorities, now);
        for (let at = now; at < (deadline ?? 100); at += 1) expect(unexpired(authorities, at)).toEqual(left);
        if (deadline === null) return;
        expect(deadline).toBeGreaterThan(now);
        expect(unexpired(authorities, deadline).length).toBeLessThan(left.length);
      }),
    );
  });

  test("the deadlines are all instants at which something changes, ascending, each once", () => {
    fc.assert(
      fc.property(revision, (authorities) => {
        const instants = Array.from({ length: 20 }, (_, index) => index - 3);
        const left = (at: number) => unexpired(authorities, at).length;
        expect(deadlinesOf(authorities)).toEqual(instants.filter((at) => left(at) < left(at - 1)));
      }),
    );
  });

  test("an authority is taken when it is due, unless no other of its type is due later", () => {
    fc.assert(
      fc.property(revision, instant, (authorities, now) => {
        const isOutlived = ({ authority, dropAt }: PublishedAuthority) =>
          authorities.some(
            (other) => other.authority.type === authority.type && (other.dropAt ?? 100) > (dropAt ?? 100),
          );
        const taken = authorities.filter((one) => one.dropAt !== null && one.dropAt <= now && isOutlived(one));
        expect(unexpired(authorities, now)).toEqual(authorities.filter((one) => !taken.includes(one)));
      }),
    );
  });
});
