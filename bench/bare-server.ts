import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { benchBundle, benchCertificate } from "./bench-bundle.ts";
import type { CpuAnswer, ServerReady } from "./messages.ts";

/** The yardstick: node:https as it comes, serving the same bytes. Certificate and bundle come from the parent. */
const { cert, key } = benchCertificate();
const { body, etag, contentType } = benchBundle();

const server = createServer({ cert, key }, (request, response) => {
  if (request.headers["if-none-match"] === etag) response.writeHead(304, { ETag: etag }).end();
  else {
    const headers = { "Content-Type": contentType, "Content-Length": body.byteLength, ETag: etag };
    response.writeHead(200, headers).end(body);
  }
});

server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ port, paths: ["/"], etag } satisfies ServerReady);
});
process.on("SIGINT", () => process.exit());
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpu: user + system } satisfies CpuAnswer);
});
