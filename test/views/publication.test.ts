import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS, SECOND_MS } from "../../src/time.ts";
import { createPublication } from "../../src/views/publication.ts";
import type { PublicationChange } from "../../src/views/publication-inputs.ts";
import type { Shown } from "../../src/views/shown.ts";
import { BANK, BROKER, change, domain, granted, NOON, poller, SHOP, withdrawn } from "./publication-fixture.ts";

const TOMBSTONE_SECONDS = 60;
const WITHDRAWN_AT_20 = { accesses: [withdrawn(20, { owing: ["p1", "p2"] })] };

function published(first: Partial<PublicationChange> = {}) {
  const publication = createPublication({ brokerTrustDomain: BROKER, tombstoneSeconds: TOMBSTONE_SECONDS });
  publication.apply(
    change(10, {
      domains: [domain(10, { a: null })],
      accesses: [granted()],
      pollers: [poller("p1"), poller("p2")],
      ...first,
    }),
    NOON,
  );
  const look = (at = NOON, token = "p1", trustDomain: string = SHOP) => {
    const known = publication.poller(token, at);
    return known === undefined ? "unknown" : publication.look(known, trustDomain, at);
  };
  const see = (at = NOON, token = "p1"): Shown => {
    const shown = look(at, token);
    if (typeof shown === "string") throw new Error(`nothing is shown: ${shown}`);
    return shown;
  };
  const fetch = (token: string, at = NOON) => publication.noteDelivery(poller(token), SHOP, see(at, token));
  return { publication, look, see, fetch };
}

const documentOf = (shown: Shown) => JSON.parse(shown.replies().spiffe.text);
const keysOf = (shown: Shown): string[] => documentOf(shown).keys.map(({ x }: { x: string }) => x);

describe("who sees what", () => {
  it("shows a domain to the pollers of a mesh with a granted access, and to nobody else", () => {
    const { look, see } = published({ pollers: [poller("p1"), poller("stranger", { meshId: "other" })] });
    expect(keysOf(see())).toEqual(["a"]);
    expect(look(NOON, "stranger")).toBe("absent");
    expect(look(NOON, "nobody")).toBe("unknown");
    expect(look(NOON, "p1", BANK)).toBe("absent");
  });

  it("knows a poller until it is revoked or expires, at that instant (S35)", () => {
    const { publication, look } = published({ pollers: [poller("p1"), poller("p2", { expiresAt: NOON + 5 })] });
    expect(look(NOON + 4, "p2")).not.toBe("unknown");
    expect(look(NOON + 5, "p2")).toBe("unknown");
    publication.apply(change(11, { removedPollers: ["p1"] }), NOON);
    expect(look(NOON, "p1")).toBe("unknown");
  });

  it("shows anybody what is declared public, and the broker's own bundle, until they are not", () => {
    const { publication } = published({ domains: [domain(10, { a: null }, { public: true })] });
    expect(publication.lookPublic(SHOP, NOON)).not.toBe("absent");
    expect(publication.lookOwn(NOON)).toBe("absent");
    publication.apply(
      change(12, { domains: [domain(10, { a: null }), domain(12, { own: null }, { trustDomain: BROKER })] }),
      NOON,
    );
    expect(publication.lookPublic(SHOP, NOON)).toBe("absent");
    expect(publication.lookPublic(BROKER, NOON)).toBe("absent");
    expect(keysOf(publication.lookOwn(NOON) as Shown)).toEqual(["own"]);
  });

  it("shares the bytes of a domain between all its consumers", () => {
    const { see } = published({
      accesses: [granted(), granted({ meshId: "other" })],
      pollers: [poller("p1"), poller("o1", { meshId: "other" })],
    });
    expect(see(NOON, "o1")).toBe(see(NOON, "p1"));
  });

  it("forgets at a rebuild what is not named in it", () => {
    const { publication, look } = published();
    publication.apply(change(11, { rebuild: true, pollers: [poller("p1")], domains: [domain(10, { a: null })] }), NOON);
    expect(look()).toBe("absent");
    expect(look(NOON, "p2")).toBe("unknown");
  });

  it("shows nothing of a domain that has no revision yet, or none any more", () => {
    const { publication, look } = published({ domains: [] });
    expect(look()).toBe("absent");
    publication.apply(change(12, { domains: [domain(12, { a: null })] }), NOON);
    expect(look()).not.toBe("absent");
    publication.apply(change(13, { removedDomains: [SHOP] }), NOON);
    expect(look()).toBe("absent");
  });
});

describe("numbers and bytes", () => {
  it("numbers a revision generation × 2^32 + position, always with an integer hint (R16, R18)", () => {
    const { see, publication } = published();
    expect(documentOf(see())).toMatchObject({ spiffe_sequence: 10, spiffe_refresh_hint: 300 });
    publication.apply(change(10, { generation: 1 }), NOON);
    expect(see().sequence).toBe(2 ** 32 + 10);
  });

  it("tags the exact bytes of each projection with their SHA-256", () => {
    const shown = published().see();
    for (const { text, etag, headers } of Object.values(shown.replies())) {
      expect(etag).toBe(`"${createHash("sha256").update(text, "latin1").digest("hex")}"`);
      expect(headers.private).toContain(etag);
      expect(headers.private).toContain(String(text.length));
    }
  });

  it("tells caches to ask again, and behind a capability URL not to share (S34)", () => {
    const { headers, notModified } = published().see().replies().spiffe;
    expect(headers.private).toEqual(expect.arrayContaining(["private, no-cache", "no-referrer", "noindex", "nosniff"]));
    expect(notModified.private).toContain("private, no-cache");
    expect(headers.public).toContain("public, no-cache");
  });

  it("keeps the bytes and their number when a change does not concern them", () => {
    const { publication, see } = published();
    const before = see();
    publication.apply(change(12, { domains: [domain(12, { b: null }, { trustDomain: BANK })] }), NOON);
    expect(see()).toBe(before);
  });
});

describe("a withdrawal (R21, R79)", () => {
  it("shows a tombstone under the withdrawal's number, and others notice nothing", () => {
    const { publication, see } = published({
      accesses: [granted(), granted({ meshId: "other" })],
      pollers: [poller("p1"), poller("o1", { meshId: "other" })],
    });
    const others = see(NOON, "o1");
    publication.apply(change(20, WITHDRAWN_AT_20), NOON);
    expect(documentOf(see())).toEqual({ keys: [], spiffe_sequence: 20, spiffe_refresh_hint: 60 });
    expect(see().replies().pem.text).toBe("");
    expect(see(NOON, "o1")).toBe(others);
  });

  it("stays as long as a poller that held the bundle has not fetched it", () => {
    const { publication, look, fetch } = published();
    publication.apply(change(20, WITHDRAWN_AT_20), NOON);
    const late = NOON + 365 * DAY_MS;
    fetch("p1");
    expect(look(late)).not.toBe("gone");
    fetch("p2", late);
    expect(look(late)).toBe("gone");
  });

  it("stays for tombstoneSeconds even if all have fetched it", () => {
    const { publication, look, fetch } = published();
    publication.apply(change(20, WITHDRAWN_AT_20), NOON);
    fetch("p1");
    fetch("p2");
    expect(look(NOON + TOMBSTONE_SECONDS * SECOND_MS - 1)).not.toBe("gone");
    expect(look(NOON + TOMBSTONE_SECONDS * SECOND_MS)).toBe("gone");
  });

  it("waits for no poller that is revoked or has expired", () => {
    const later = NOON + HOUR_MS;
    const { publication, look } = published({
      pollers: [poller("p1"), poller("p2"), poller("p3", { expiresAt: later }), poller("p4")],
    });
    publication.apply(change(20, { accesses: [withdrawn(20, { owing: ["p2", "p3"] })] }), NOON);
    publication.apply(change(21, { removedPollers: ["p2"] }), NOON);
    expect(look(later - 1, "p4")).not.toBe("gone");
    expect(look(later, "p4")).toBe("gone");
  });

  it("is nothing to a poller made after it", () => {
    const { publication, look } = published();
    publication.apply(change(21, { ...WITHDRAWN_AT_20, pollers: [poller("late", { position: 21 })] }), NOON);
    expect(look(NOON, "late")).toBe("absent");
    expect(look(NOON + DAY_MS, "late")).toBe("absent");
  });

  it("outlives the trust domain itself", () => {
    const { publication, see } = published();
    publication.apply(change(20, { ...WITHDRAWN_AT_20, removedDomains: [SHOP] }), NOON);
    expect(see().sequence).toBe(20);
  });

  it("keeps its bytes when the domain goes on without the consumer", () => {
    const { publication, see } = published();
    publication.apply(change(20, WITHDRAWN_AT_20), NOON);
    const tombstone = see();
    publication.apply(change(30, { domains: [domain(30, { b: null })] }), NOON);
    expect(see()).toBe(tombstone);
  });
});

describe("a re-grant", () => {
  it("has bytes of its own above the tombstone until the domain's next revision, and those of all from then on", () => {
    const { publication, see } = published({
      accesses: [granted(), granted({ meshId: "other" })],
      pollers: [poller("p1"), poller("o1", { meshId: "other" })],
    });
    publication.apply(change(20, WITHDRAWN_AT_20), NOON);
    publication.apply(
      change(25, { accesses: [granted({ position: 25, lastModifiedSeconds: NOON / 1000 + 25 })] }),
      NOON,
    );
    expect(see().sequence).toBe(25);
    expect(keysOf(see())).toEqual(["a"]);
    expect(see(NOON, "o1").sequence).toBe(10);
    publication.apply(change(30, { domains: [domain(30, { a: null, b: null })] }), NOON);
    expect(see()).toBe(see(NOON, "o1"));
  });

  it("owes a later tombstone anew", () => {
    const { publication, look, fetch } = published();
    publication.apply(change(20, WITHDRAWN_AT_20), NOON);
    fetch("p1");
    fetch("p2");
    publication.apply(change(25, { accesses: [granted({ position: 25 })] }), NOON);
    publication.apply(change(30, { accesses: [withdrawn(30, { owing: ["p1"] })] }), NOON);
    expect(look(NOON + DAY_MS)).not.toBe("gone");
  });
});

describe("time alone", () => {
  const dropAt = NOON + HOUR_MS;
  const dropping = { domains: [domain(10, { a: null, b: dropAt })] };

  it("takes an expired authority out at that instant, under the next number and strictly later", () => {
    const { publication, see } = published(dropping);
    expect(publication.nextDeadline()).toBe(dropAt);
    const before = see(dropAt - 1);
    const after = see(dropAt);
    expect(keysOf(before)).toEqual(["a", "b"]);
    expect(keysOf(after)).toEqual(["a"]);
    expect(after.sequence).toBe(before.sequence + 1);
    expect(after.lastModifiedSeconds).toBeGreaterThan(before.lastModifiedSeconds);
  });

  it("finds the same number in a process that started after the instant", () => {
    const late = createPublication({ brokerTrustDomain: BROKER, tombstoneSeconds: 1 });
    const all = change(10, { ...dropping, accesses: [granted()], pollers: [poller("p1")] });
    late.apply(all, dropAt);
    const shown = late.look(poller("p1"), SHOP, dropAt) as Shown;
    const early = published(dropping).see(dropAt);
    expect([shown.sequence, shown.lastModifiedSeconds]).toEqual([early.sequence, early.lastModifiedSeconds]);
    expect(shown.replies().spiffe.text).toBe(early.replies().spiffe.text);
  });

  it("goes over to the log's own number when its event comes", () => {
    const { publication, see } = published(dropping);
    see(dropAt);
    publication.apply(change(15, { domains: [domain(15, { a: null })] }), dropAt + 10);
    expect(see(dropAt + 10).sequence).toBe(15);
  });

  it("restores under a new number what a clock hid that jumped and came back (R16)", () => {
    const { see } = published(dropping);
    const hidden = see(dropAt + DAY_MS);
    const restored = see(NOON);
    expect(keysOf(restored)).toEqual(["a", "b"]);
    expect(restored.sequence).toBe(hidden.sequence + 1);
    expect(restored.lastModifiedSeconds).toBeGreaterThan(hidden.lastModifiedSeconds);
  });

  it("never empties a bundle", () => {
    const { see } = published({ domains: [domain(10, { a: dropAt, b: dropAt - 1 })] });
    expect(keysOf(see(dropAt + 365 * DAY_MS))).toEqual(["a"]);
  });

  it("ends an access at its expiry with a tombstone, which the log's word confirms without asking again", () => {
    const { publication, look, see, fetch } = published({ accesses: [granted({ until: dropAt })] });
    expect(keysOf(see(dropAt - 1))).toEqual(["a"]);
    expect(documentOf(see(dropAt))).toEqual({ keys: [], spiffe_sequence: 11, spiffe_refresh_hint: 60 });
    fetch("p1", dropAt);
    expect(look(dropAt + 365 * DAY_MS)).not.toBe("gone");
    publication.apply(change(20, { accesses: [withdrawn(20, { at: dropAt, owing: ["p1"] })] }), dropAt + 5);
    expect(see(dropAt + 5).sequence).toBe(20);
    expect(look(dropAt + DAY_MS)).toBe("gone");
  });

  it("gives an access back when the clock that ended it comes back, above the tombstone, and owes the next one anew", () => {
    const { publication, look, see, fetch } = published({ accesses: [granted({ until: dropAt })] });
    const tombstone = see(dropAt);
    fetch("p1", dropAt);
    const back = see(NOON);
    expect(keysOf(back)).toEqual(["a"]);
    expect(back.sequence).toBe(tombstone.sequence + 1);
    publication.apply(change(20, { accesses: [withdrawn(20, { at: dropAt, owing: ["p1"] })] }), dropAt);
    expect(look(dropAt + DAY_MS)).not.toBe("gone");
  });
});
