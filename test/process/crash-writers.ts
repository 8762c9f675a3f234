import { randomUUID } from "node:crypto";
import { decide } from "../federation/federation-fixture.ts";
import type { ListeningProcess } from "../support/broker-process.ts";
import type { ApiAnswer, TestMesh } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";

/** A value that changes: what was acknowledged last, and what was asked for after it. Either may hold after a crash. */
export interface Changing<T> {
  acknowledged: T;
  asked: T;
}

/** What the clients were told, kept outside of the broker. */
export interface Told {
  /** Tokens of the pollers, by ID. */
  readonly pollers: Map<string, string>;
  readonly tokens: Set<string>;
  readonly authorities: Set<string>;
  readonly retired: Set<string>;
  readonly hint: Changing<number>;
  readonly consent: Changing<"granted" | "withdrawn">;
  changes: number;
}

export const toldNothing = (): Told => ({
  pollers: new Map(),
  tokens: new Set(),
  authorities: new Set(),
  retired: new Set(),
  hint: { acknowledged: 300, asked: 300 },
  consent: { acknowledged: "granted", asked: "granted" },
  changes: 0,
});

export interface World {
  readonly bank: TestMesh;
  readonly shop: TestMesh;
  readonly federationId: string;
}

type Writer = (broker: ListeningProcess, world: World, told: Told) => Promise<void>;

/** Waits for a change's answer and counts it. @throws {Error} where it was refused */
async function acknowledged(told: Told, answer: Promise<ApiAnswer>): Promise<ApiAnswer["body"]> {
  const { status, body, text } = await answer;
  if (status !== 200 && status !== 201) throw new Error(`a change was refused with ${status}: ${text}`);
  told.changes += 1;
  return body;
}

const makePoller: Writer = async (broker, { bank }, told) => {
  // A name of its own: a poller whose answer was lost in a crash may be there.
  const body = { name: randomUUID() };
  const path = `/v1/meshes/${bank.meshId}/pollers`;
  const made = await acknowledged(told, broker.api("POST", path, { token: bank.token, body }));
  told.pollers.set(made.pollerId, made.token);
};

const makeToken: Writer = async (broker, { shop }, told) => {
  const body = { name: "viewer", role: "mesh-viewer", meshes: [shop.meshId] };
  const made = await acknowledged(told, broker.api("POST", "/v1/tokens", { token: shop.token, body }));
  told.tokens.add(made.tokenId);
};

const setHint: Writer = async (broker, { shop }, told) => {
  const { hint } = told;
  hint.asked = 100 + ((hint.acknowledged + 1) % 80_000);
  const path = `/v1/trust-domains/${shop.trustDomain}`;
  const body = { refreshHintSeconds: hint.asked };
  await acknowledged(told, broker.api("PATCH", path, { token: shop.token, body }));
  hint.acknowledged = hint.asked;
};

const changeConsent: Writer = async (broker, { bank, federationId }, told) => {
  const { consent } = told;
  consent.asked = consent.acknowledged === "granted" ? "withdrawn" : "granted";
  const decision = consent.asked === "granted" ? "grant" : "withdraw";
  await acknowledged(told, decide(broker, bank, federationId, decision));
  consent.acknowledged = consent.asked;
};

const rotate: Writer = async (broker, { shop }, told) => {
  const { trustDomain, meshId, token } = shop;
  const pem = testCa({ trustDomain, commonName: `CA ${told.changes}` }).certificatePem;
  const path = `/v1/meshes/${meshId}/authorities`;
  const made = await acknowledged(told, broker.api("POST", path, { token, body: { pem } }));
  const { authorityId } = made.authorities[0];
  told.authorities.add(authorityId);
  const body = { to: "retired" };
  await acknowledged(told, broker.api("POST", `${path}/${authorityId}/transitions`, { token, body }));
  told.retired.add(authorityId);
};

const WRITERS = [makePoller, makeToken, setHint, changeConsent, rotate];

/** One client for each kind of change, all at once, until the broker is gone. */
export async function writeUntilGone(broker: ListeningProcess, world: World, told: Told): Promise<void> {
  await Promise.all(
    WRITERS.map(async (write) => {
      while (await answered(write(broker, world, told)));
    }),
  );
}

/** False where the connection broke. @throws {Error} whatever else went wrong */
export async function answered(exchange: Promise<unknown>): Promise<boolean> {
  try {
    await exchange;
    return true;
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code === "string") return false;
    throw error;
  }
}
