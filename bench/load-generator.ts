import { Agent, request } from "node:https";
import type { Load } from "./messages.ts";

/** Polls as told by the parent, from a process of its own, and holds every answer to the status that it must have. */
const CONCURRENCY = 8;

process.on("message", async (load: Load) => {
  let next = 0;
  const one = async () => {
    const agent = load.keepAlive ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
    while (next < load.polls) await poll(load, load.paths[next++ % load.paths.length] ?? "/", agent);
    if (agent) agent.destroy();
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, one));
  process.send?.("done");
});

function poll({ port, etag }: Load, path: string, agent: Agent | false): Promise<void> {
  const wanted = etag === null ? 200 : 304;
  const headers = etag === null ? {} : { "If-None-Match": etag };
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, headers, agent, rejectUnauthorized: false }, (answer) => {
      answer.resume();
      answer.once("end", () => {
        if (answer.statusCode === wanted) resolve();
        else reject(new Error(`${path} was answered ${answer.statusCode} instead of ${wanted}`));
      });
    });
    sent.once("error", reject);
    sent.end();
  });
}
