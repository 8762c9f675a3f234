import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "../errors.ts";
import { hasItsHost } from "../host-header.ts";

/** What a request says once (RFC 9110, 5.3): of two, Node would take the first, or join both to a third. */
const SAID_ONCE: ReadonlySet<string> = new Set(["authorization", "content-type", "idempotency-key"]);

/**
 * Refuses a request that does not say one thing, and what Node or Fastify would answer itself, without a word of why (S33,
 * S56): also what comes while the broker stops (L7).
 */
export function checkHeads(app: FastifyInstance): void {
  // Node keeps a request with another expectation from the router, and tells one with 100-continue to go on, whoever asks.
  for (const event of ["checkExpectation", "checkContinue"])
    app.server.on(event, (request: IncomingMessage, response: ServerResponse) =>
      app.server.emit("request", request, response),
    );
  let isStopping = false;
  app.addHook("preClose", async () => {
    isStopping = true;
  });
  // A connection that its client keeps would hold up the stop for nothing.
  app.addHook("onSend", async (_request, reply) => {
    if (isStopping) reply.header("connection", "close");
  });
  app.addHook("onRequest", async ({ raw, headers }) => {
    if (isStopping) throw new Refusal("not-ready", "the broker is stopping");
    if (!hasItsHost(raw)) throw new Refusal("malformed-request", "a request has one Host header");
    const repeated = repeatedName(raw.rawHeaders);
    if (repeated !== undefined) throw new Refusal("malformed-request", `a request has one ${repeated} header`);
    if (headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue")
      throw new Refusal("expectation-failed", "the only expectation that is met is 100-continue");
  });
}

/** Whether nothing is to change, whether the query has been read as its schema says or is refused before. */
export function isDryRun({ query }: FastifyRequest): boolean {
  const { dryRun } = (query ?? {}) as { dryRun?: unknown };
  return dryRun === true || dryRun === "true";
}

const toldToGoOn = new WeakSet<ServerResponse>();

/** Asks for the body that a client holds back until it is wanted: of who may send one (S4; RFC 9110, 10.1.1). */
export function askForBody({ headers }: FastifyRequest, { raw }: FastifyReply): void {
  if (headers.expect === undefined) return;
  raw.writeContinue();
  toldToGoOn.add(raw);
}

/** The body may come all the same or not at all: where the next request begins is in doubt. */
export const isHeldBack = ({ request, raw }: FastifyReply): boolean =>
  request.headers.expect !== undefined && !toldToGoOn.has(raw);

function repeatedName(rawHeaders: readonly string[]): string | undefined {
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  return names.find((name, index) => SAID_ONCE.has(name) && names.indexOf(name) < index);
}
