import { availableParallelism } from "node:os";
import { measureBundleEndpoint } from "./bundle-endpoint.ts";

console.log(
  `Node ${process.version}, ${availableParallelism()} cores. CPU is process CPU of the server, all its threads.`,
);
await measureBundleEndpoint();
