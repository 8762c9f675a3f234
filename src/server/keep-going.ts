import { join } from "node:path";
import { writeFileDurably } from "../durable-file.ts";
import { keepBrokerCa } from "./ca-keeper.ts";
import type { ListenerCertificates } from "./certificates.ts";
import { keepDeadlines } from "./deadline-keeper.ts";
import type { Starting } from "./starting.ts";
import { logsErrors } from "./surroundings.ts";

/** What a broker does though nobody asks for it: it records what falls due, and rolls its CA over. */
export async function keepGoing(
  { config, core, surroundings, writers }: Starting,
  certificates: ListenerCertificates,
): Promise<void> {
  const { db, unitOfWork, clock, lastKnown, dataFolder } = core;
  const { monotonic, timers, random } = surroundings;
  const onError = logsErrors(surroundings);
  const deadlines = keepDeadlines({
    db,
    unitOfWork,
    clock,
    monotonic,
    lastKnown,
    isShared: config.databaseUrl !== undefined,
    onError: onError("what the clock changed could not be recorded"),
  });
  writers(deadlines.stop);
  const ca = await keepBrokerCa({
    ...core,
    trustDomain: config.trustDomain,
    monotonic,
    timers,
    random,
    onAuthority: certificates.reissue,
    onCas: (pem) => writeFileDurably(join(dataFolder, "admin-ca.pem"), pem),
    onError: onError("the roll-over of the broker's CA did not go on; it is tried again"),
  });
  writers(ca.stop);
}
