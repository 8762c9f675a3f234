import { describe, expect, it } from "vitest";
import { crashCampaign, crashSeed, pause } from "../test/process/crash-campaign.ts";
import type { ListeningProcess } from "../test/support/broker-process.ts";
import type { ApiAnswer } from "../test/support/running-broker.ts";

const KILLS = 3;
/** How long the hasty one holds what it has acknowledged, and how long it takes to say so. */
const HELD_MS = 200;
const ANSWER_MS = 5;

const campaign = (standIn: (broker: ListeningProcess) => ListeningProcess) =>
  crashCampaign({ kills: KILLS, seed: crashSeed, standIn });

const isKeyedToken = (path: string, headers: Record<string, string> | undefined): boolean =>
  path === "/v1/tokens" && headers?.["idempotency-key"] !== undefined;
const CREATED: ApiAnswer = { status: 201, headers: {}, body: {}, text: "{}" };

/** Stands before the broker, answers the creation of a token 201 at once, and passes it on a little later. */
const acknowledgesFirst = (broker: ListeningProcess): ListeningProcess => ({
  ...broker,
  async api(method, path, call = {}) {
    const isUp = () => broker.child.exitCode === null && broker.child.signalCode === null;
    if (!isKeyedToken(path, call.headers) || !isUp()) return broker.api(method, path, call);
    void (async () => {
      await pause(HELD_MS);
      if (isUp()) await broker.api(method, path, call).catch(() => "its broker is gone, and it tells nobody");
    })();
    await pause(ANSWER_MS);
    return CREATED;
  },
});

/** The same stand-in without its fault: it passes on, waits, and then answers what the hasty one answers. */
const acknowledgesLast = (broker: ListeningProcess): ListeningProcess => ({
  ...broker,
  async api(method, path, call = {}) {
    const answer = await broker.api(method, path, call);
    return answer.status === 201 && isKeyedToken(path, call.headers) ? CREATED : answer;
  },
});

/** Answers what is sent under a key for the first time, and was done, as a broker does whose database is gone. */
function deniesWhatItDid(): (broker: ListeningProcess) => ListeningProcess {
  const denied = new Set<string>();
  return (broker) => ({
    ...broker,
    async api(method, path, call = {}) {
      const answer = await broker.api(method, path, call);
      const key = call.headers?.["idempotency-key"];
      if (key === undefined || denied.has(key)) return answer;
      denied.add(key);
      return { ...answer, status: 503, body: {} };
    },
  });
}

const forgetsKeys = (broker: ListeningProcess): ListeningProcess => ({
  ...broker,
  api(method, path, call = {}) {
    const { "idempotency-key": _, ...headers } = call.headers ?? {};
    return broker.api(method, path, { ...call, headers });
  },
});

describe("a campaign of kills finds out a broker that", () => {
  it("acknowledges a write before it commits (L2)", async () => {
    await expect(campaign(acknowledgesFirst)).rejects.toThrow("acknowledged, then lost");
  }, 300_000);

  it("does a write again that is sent again under its key (L19)", async () => {
    await expect(campaign(forgetsKeys)).rejects.toThrow(/not done once|sent again, refused/);
  }, 300_000);

  it("says that nothing was changed of what it did (L3)", async () => {
    await expect(campaign(deniesWhatItDid())).rejects.toThrow("refused, then done");
  }, 300_000);

  it("and nothing where the same stand-in acknowledges after the commit", () => campaign(acknowledgesLast), 300_000);
});
