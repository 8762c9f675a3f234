import Type from "typebox";
import { type Endpoint, read } from "../../http/endpoint.ts";
import { strictObject } from "../../http/schemas.ts";

/** What the process says of itself. */
export interface Health {
  /** What is not ready, in words; empty when all is (L8). */
  unreadiness(): Promise<readonly string[]>;
  /** Prometheus text. */
  metrics(): Promise<string>;
}

const health = strictObject(
  {
    status: Type.Enum(["ok", "not-ready"]),
    reasons: Type.Optional(Type.Array(Type.String({ description: "Which part is not ready." }))),
  },
  { $id: "Health" },
);

export const healthEndpoints = (process: Health): Endpoint[] => [
  read({
    path: "/livez",
    operationId: "livez",
    tag: "Health",
    ofProcess: true,
    summary: "Whether the event loop turns",
    permission: "anybody",
    answer: health,
    refusals: [],
    async read() {
      return { body: { status: "ok" as const } };
    },
  }),
  read({
    path: "/readyz",
    operationId: "readyz",
    tag: "Health",
    ofProcess: true,
    summary: "Whether changes can be taken, and if not, which part is not ready (503)",
    permission: "anybody",
    unready: { status: "not-ready", reasons: ["database-not-writable"] },
    answer: health,
    refusals: [],
    async read() {
      const reasons = await process.unreadiness();
      if (reasons.length === 0) return { body: { status: "ok" as const } };
      return { status: 503, body: { status: "not-ready" as const, reasons: [...reasons] } };
    },
  }),
  read({
    path: "/metrics",
    operationId: "metrics",
    tag: "Health",
    ofProcess: true,
    summary: "Metrics for Prometheus",
    permission: "metrics:read",
    produces: "text/plain; version=0.0.4",
    answer: Type.String(),
    refusals: [],
    async read() {
      return { body: await process.metrics() };
    },
  }),
];
