import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { FastifyReply, FastifyRequest } from "fastify";

/**
 * Answers texts as they come, no faster than they are read: what makes them waits for the client, and ends when the
 * client goes. What `requireReader` throws cuts it off: a credential that ended reads no further (S26).
 */
export function answerStream(
  { method }: FastifyRequest,
  reply: FastifyReply,
  type: string,
  texts: AsyncIterable<string>,
  requireReader: () => Promise<void>,
): FastifyReply {
  reply.code(200).type(type);
  return method === "HEAD"
    ? reply.send()
    : reply.send(Readable.from(inTurns(texts, requireReader), { objectMode: false }));
}

/** The embedded database answers at once: without a pause a fast reader would keep everybody else waiting. */
async function* inTurns(texts: AsyncIterable<string>, requireReader: () => Promise<void>): AsyncGenerator<string> {
  for await (const text of texts) {
    await requireReader();
    yield text;
    await setImmediate();
  }
}
