import { availableParallelism } from "node:os";
import { measureAudit } from "./audit.ts";
import { measureBundleEndpoint } from "./bundle-endpoint.ts";
import { measureReplicas } from "./replicas.ts";

console.log(
  `Node ${process.version}, ${availableParallelism()} cores. CPU is process CPU of the server, all its threads.`,
);
await measureBundleEndpoint();
await measureAudit();
await measureReplicas();
