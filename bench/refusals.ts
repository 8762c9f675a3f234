import { crc32 } from "node:zlib";
import { type RunningServer, runServer } from "./running-server.ts";

/** Median times of the 401 that each credential gets which does not hold, side by side in one run (S25). */
const ROUNDS = 1_500;
const WARM_UP_ROUNDS = 200;
const TARGET = 1.05;

export async function measureRefusals(): Promise<void> {
  const server = await runServer();
  try {
    const tokens = Object.entries(await refusedTokens(server));
    const times = new Map<string, number[]>(tokens.map(([name]) => [name, []]));
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      for (const [name, token] of round % 2 === 0 ? tokens : tokens.toReversed()) {
        const begun = performance.now();
        const { status } = await server.call("GET", "/v1/tokens", token);
        if (status !== 401) throw new Error(`${name} was answered ${status}`);
        if (round >= 0) times.get(name)?.push(performance.now() - begun);
      }
    }
    const medians = [...times].map(([name, all]) => [name, median(all)] as const);
    const quickest = Math.min(...medians.map(([, ms]) => ms));
    console.table(
      Object.fromEntries(
        medians.map(([name, ms]) => [
          name,
          { "median µs": Math.round(ms * 1000), "of the quickest": `${(ms / quickest).toFixed(3)} (≤ ${TARGET})` },
        ]),
      ),
    );
  } finally {
    await server.stop();
  }
}

/** All of the right form and with a right checksum: one without costs no query, and says nothing that is not public (S24). */
async function refusedTokens({ call, operatorToken }: RunningServer): Promise<Record<string, string>> {
  const make = async (name: string, expiresInSeconds: number) =>
    JSON.parse((await call("POST", "/v1/tokens", operatorToken, { name, role: "auditor", expiresInSeconds })).body) as {
      tokenId: string;
      token: string;
    };
  const revoked = await make("revoked", 3_600);
  await call("DELETE", `/v1/tokens/${revoked.tokenId}`, operatorToken);
  const live = await make("live", 3_600);
  return {
    "an unknown ID": withParts(live.token, "0".repeat(22), undefined),
    "a known ID, another secret": withParts(live.token, undefined, "0".repeat(43)),
    "a revoked token": revoked.token,
  };
}

function withParts(token: string, otherId: string | undefined, otherSecret: string | undefined): string {
  const [ent, kind, id, secret] = token.split("_");
  const body = [ent, kind, otherId ?? id, otherSecret ?? secret].join("_");
  return `${body}_${crc32(body).toString(16).padStart(8, "0")}`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
