export type ConnectionCountName = "malformedRequests" | "connectionsOpen" | "connectionsRefused" | "tlsFailures";

/** What a listener counts of its connections. */
export interface ConnectionCounter {
  add(name: ConnectionCountName, by?: number): void;
}

/** For metrics that are read in the listener's own thread. */
export interface ConnectionCounts extends ConnectionCounter {
  read(): Readonly<Record<ConnectionCountName, number>>;
}

export function connectionCounts(): ConnectionCounts {
  const counts = { malformedRequests: 0, connectionsOpen: 0, connectionsRefused: 0, tlsFailures: 0 };
  return {
    add(name, by = 1) {
      counts[name] += by;
    },
    read: () => ({ ...counts }),
  };
}
