import { availableParallelism } from "node:os";
import { measureAdminWrites } from "./admin-writes.ts";
import { measureAudit } from "./audit.ts";
import { measureBundleEndpoint } from "./bundle-endpoint.ts";
import { measureEndedFederations } from "./ended-federations.ts";
import { measureRefusals } from "./refusals.ts";
import { measureReplicas } from "./replicas.ts";
import { measureScale } from "./scale.ts";

console.log(
  `Node ${process.version}, ${availableParallelism()} cores. CPU is process CPU of the server, all its threads.`,
);
await measureBundleEndpoint();
await measureAdminWrites();
await measureScale();
await measureEndedFederations();
await measureAudit();
await measureRefusals();
await measureReplicas();
