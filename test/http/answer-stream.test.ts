import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import Fastify from "fastify";
import { expect, it, onTestFinished } from "vitest";
import { answerStream } from "../../src/http/answer-stream.ts";

const CHUNK = "x".repeat(10_000);

/** Answers texts without end, and tells how many were made and whether they ended. */
async function endless() {
  const made = { texts: 0, ended: Promise.withResolvers<void>(), mayRead: true };
  async function* texts() {
    try {
      for (;;) {
        made.texts += 1;
        yield CHUNK;
      }
    } finally {
      made.ended.resolve();
    }
  }
  const app = Fastify();
  const requireReader = async () => {
    if (!made.mayRead) throw new Error("it may read no longer");
  };
  app.get("/", (request, reply) => answerStream(request, reply, "text/csv", texts(), requireReader));
  await app.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => app.close());
  const socket = connect((app.server.address() as AddressInfo).port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return { made, socket };
}

const ask = (socket: Socket, method = "GET") => socket.write(`${method} / HTTP/1.1\r\nhost: x\r\n\r\n`);

/** Waits until as many texts were made as before: whoever makes them waits. */
async function settled(made: { texts: number }): Promise<number> {
  for (let before = -1; before !== made.texts; ) {
    before = made.texts;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return made.texts;
}

it("a stream makes no more than its reader takes: what is held does not grow", async () => {
  const { made, socket } = await endless();
  socket.pause();
  ask(socket);
  const unread = await settled(made);
  expect(unread).toBeGreaterThan(0);
  socket.resume();
  while (made.texts <= unread) await once(socket, "data");
  socket.pause();
  expect(await settled(made)).toBeLessThan(3 * unread);
});

it("a stream ends when its reader goes away", async () => {
  const { made, socket } = await endless();
  ask(socket);
  await once(socket, "data");
  socket.destroy();
  await made.ended.promise;
});

it("S26: a stream is cut off where its reader may read no longer, and does not look like a whole one", async () => {
  const { made, socket } = await endless();
  let last = "";
  socket.on("data", (chunk) => {
    last = String(chunk).slice(-5);
  });
  ask(socket);
  await once(socket, "data");
  made.mayRead = false;
  await once(socket, "close");
  await made.ended.promise;
  expect(last).not.toBe("0\r\n\r\n");
});

it("HEAD makes nothing of it", async () => {
  const { made, socket } = await endless();
  ask(socket, "HEAD");
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*content-type: text\/csv/);
  expect(made.texts).toBe(0);
});
