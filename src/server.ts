import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import closeWithGrace from "close-with-grace";
import { pino } from "pino";
import { loadConfig, unknownVariables } from "./config.ts";
import { systemRandomness } from "./randomness.ts";
import { startBroker } from "./server/start-broker.ts";
import { SECOND_MS } from "./time.ts";

/** EX_SOFTWARE: something happened that the program did not foresee (L7). */
const EXIT_SOFTWARE = 70;

/** What an orderly stop takes beside its pauses; it gives up by itself before. */
const STOP_SECONDS = 5;

/**
 * The process: configuration, a broker, and its end.
 * @throws {StartRefusal} why it cannot start; the caller exits 78
 */
export async function main(): Promise<void> {
  const config = loadConfig(process.env, (path) => readFileSync(path, "utf8"));
  const out = pino.destination({ sync: false });
  const logger = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, out);
  const unknown = unknownVariables(process.env);
  if (unknown.length > 0)
    logger.warn({ variables: unknown }, "these environment variables are no settings of this version");

  const die = (error: unknown) => {
    logger.fatal({ err: error }, "the process cannot go on");
    process.exit(EXIT_SOFTWARE);
  };
  const stop = new AbortController();
  const starting = startBroker(config, { logger, random: systemRandomness, stop: stop.signal, onFatal: die });
  const delay = (config.shutdownDelaySeconds + config.shutdownGraceSeconds + STOP_SECONDS) * SECOND_MS;
  closeWithGrace({ delay, logger: false }, async ({ err, signal }) => {
    if (err) die(err);
    logger.info({ signal }, "stopping");
    stop.abort();
    const broker = await starting.catch(() => undefined);
    await broker?.close();
    const written = once(out, "drain").catch(() => {});
    logger.info("stopped");
    // At the exit the last line would overtake those that are still on their way out.
    if (logger.isLevelEnabled("info")) await Promise.race([written, setTimeout(SECOND_MS)]);
  });
  await starting.catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
}
