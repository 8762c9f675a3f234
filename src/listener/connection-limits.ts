/** Connections to one listener, and from one address (IPv6: a /64) to one listener (S59). */
export interface ConnectionCaps {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** Beyond both, for an address that has shown in the last hour who it is. */
  readonly reservedConnectionsPerAddress: number;
}

/** An admitted connection; `release` once when it has closed. */
export interface Admission {
  release(): void;
}

/** How many connections one listener holds (S59). Times are monotonic milliseconds. */
export interface ConnectionLimits {
  /** Null when the connection is to be refused. */
  admit(address: string, nowMs: number): Admission | null;
  /** An address has shown who it is: for an hour it has a reserve of its own. */
  noteSuccess(address: string, nowMs: number): void;
}

interface Caller {
  ordinary: number;
  reserved: number;
  /** Of the last poll or login that held. */
  successAt: number;
}

const RESERVE_MS = 3_600_000;
/** Addresses with a reserve that are remembered; past it the one that is known longest is forgotten. */
const MAX_KNOWN = 100_000;

/** A flood, from one address or from many, can fill the listener but not keep out who was known to it in the last hour. */
export function connectionLimits(limits: ConnectionCaps): ConnectionLimits {
  const callers = new Map<string, Caller>();
  let ordinary = 0;

  function callerOf(address: string): Caller {
    const known = callers.get(address);
    if (known !== undefined) return known;
    if (callers.size >= MAX_KNOWN) forgetIdle();
    const caller: Caller = { ordinary: 0, reserved: 0, successAt: Number.NEGATIVE_INFINITY };
    callers.set(address, caller);
    return caller;
  }

  function forgetIdle(): void {
    for (const [address, caller] of callers) {
      if (callers.size < MAX_KNOWN) return;
      if (caller.ordinary + caller.reserved === 0) callers.delete(address);
    }
  }

  return {
    admit(address, nowMs) {
      const caller = callerOf(address);
      if (ordinary < limits.connections && caller.ordinary < limits.connectionsPerAddress) {
        ordinary++;
        caller.ordinary++;
        return {
          release() {
            ordinary--;
            caller.ordinary--;
            forgetStranger(address, caller);
          },
        };
      }
      const known = nowMs - caller.successAt < RESERVE_MS;
      if (known && caller.reserved < limits.reservedConnectionsPerAddress) {
        caller.reserved++;
        return {
          release() {
            caller.reserved--;
          },
        };
      }
      forgetStranger(address, caller);
      return null;
    },
    noteSuccess(address, nowMs) {
      callerOf(address).successAt = nowMs;
    },
  };

  /** Who was never known is remembered only while connected. */
  function forgetStranger(address: string, caller: Caller): void {
    const isStranger = caller.successAt === Number.NEGATIVE_INFINITY;
    if (isStranger && caller.ordinary + caller.reserved === 0) callers.delete(address);
  }
}
