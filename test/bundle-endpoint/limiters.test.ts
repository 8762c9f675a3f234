import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressKey } from "../../src/address-key.ts";
import { connectionLimits } from "../../src/listener/connection-limits.ts";
import { rateLimiter } from "../../src/rate-limiter.ts";

describe("an address", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:10.0.0.7", "10.0.0.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::6", "2001:db8:1:2::/64"],
    ["2001:db8::6", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ])("%s counts as %s (S28, S59)", (address, key) => expect(addressKey(address)).toBe(key));
});

describe("a rate", () => {
  it("lets a burst through, then no more than the rate, for each key apart", () => {
    const limiter = rateLimiter({ perSecond: 2, burst: 3, maxKeys: 10 });
    const admitted = (key: string, at: number) => limiter.admit(key, at);
    expect([0, 0, 0, 0].map((at) => admitted("a", at))).toEqual([true, true, true, false]);
    expect(admitted("b", 0)).toBe(true);
    expect([499, 500, 501].map((at) => admitted("a", at))).toEqual([false, true, false]);
  });

  it("never lets more than burst + rate × time through, and never refuses one who keeps to it", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 5 }), (waits, burst) => {
        const limiter = rateLimiter({ perSecond: 10, burst, maxKeys: 10 });
        let now = 0;
        let admitted = 0;
        for (const wait of waits) {
          now += wait;
          const may = limiter.admit("key", now);
          if (wait >= 100) expect(may).toBe(true);
          if (may) admitted++;
          expect(admitted).toBeLessThanOrEqual(burst + now / 100);
        }
      }),
    );
  });

  it("remembers no more keys than it is told to", () => {
    const limiter = rateLimiter({ perSecond: 0.001, burst: 1, maxKeys: 2 });
    for (const key of ["a", "b", "c"]) limiter.admit(key, 0);
    expect(limiter.admit("c", 0)).toBe(false);
    expect(limiter.admit("b", 0)).toBe(false);
    expect(limiter.admit("a", 0)).toBe(true);
  });
});

describe("connections (S59)", () => {
  const limits = { connections: 3, connectionsPerAddress: 2, reservedConnectionsPerAddress: 1 };

  it("are limited by address and together, until one closes", () => {
    const connections = connectionLimits(limits);
    const first = connections.admit("a", 0);
    connections.admit("a", 0);
    expect(connections.admit("a", 0)).toBeNull();
    connections.admit("b", 0);
    expect(connections.admit("c", 0)).toBeNull();
    first?.release();
    expect(connections.admit("c", 0)).not.toBeNull();
  });

  it("keep a reserve beyond both limits for an address that polled with success in the last hour", () => {
    const connections = connectionLimits(limits);
    connections.noteSuccess("known", 0);
    for (const address of ["a", "a", "b"]) connections.admit(address, 0);
    const reserve = connections.admit("known", 1000);
    expect(reserve).not.toBeNull();
    expect(connections.admit("known", 1000)).toBeNull();
    reserve?.release();
    expect(connections.admit("known", 3_599_999)?.release()).toBeUndefined();
    expect(connections.admit("known", 3_600_000)).toBeNull();
  });
});
