import type { ConnectionCounter } from "../listener/connection-counts.ts";

/** What the public listener counts for metrics and the audit's counts of unknown callers (S70). */
export const counterNames = [
  "replies200",
  "replies304",
  "replies404",
  "replies405",
  "replies410",
  "replies429",
  "replies503",
  "malformedRequests",
  "unknownTokens",
  "deliveries",
  "deliveriesDropped",
  "connectionsOpen",
  "connectionsRefused",
  "tlsFailures",
] as const;

export type CounterName = (typeof counterNames)[number];
export type Counters = Readonly<Record<CounterName, number>>;

const places = Object.fromEntries(counterNames.map((name, place) => [name, place])) as Record<CounterName, number>;

export const countersBuffer = (): SharedArrayBuffer =>
  new SharedArrayBuffer(counterNames.length * Float64Array.BYTES_PER_ELEMENT);

/** Written by the worker alone, so that reading needs no lock and no message. */
export interface CounterWriter extends ConnectionCounter {
  add(name: CounterName, by?: number): void;
}

export function counterWriter(buffer: SharedArrayBuffer): CounterWriter {
  const values = new Float64Array(buffer);
  return {
    add(name, by = 1) {
      const place = places[name];
      values[place] = (values[place] ?? 0) + by;
    },
  };
}

export function readCounters(buffer: SharedArrayBuffer): Counters {
  const values = new Float64Array(buffer);
  return Object.fromEntries(counterNames.map((name) => [name, values[places[name]] ?? 0])) as Counters;
}
