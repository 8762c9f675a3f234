import { randomUUID } from "node:crypto";
import { decide } from "../federation/federation-fixture.ts";
import type { ListeningProcess } from "../support/broker-process.ts";
import type { ApiAnswer } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { type AuditEvent, pageOfNewest } from "./crash-reading.ts";
import { answered, StorageGone, type Told, type World } from "./crash-told.ts";
import { joinByCode, makeNamedToken } from "./keyed-writes.ts";

type Writer = (broker: ListeningProcess, world: World, told: Told) => Promise<void>;

/** Waits for a change's answer and counts it. @throws {Error} where it was refused */
async function acknowledged(told: Told, answer: Promise<ApiAnswer>): Promise<ApiAnswer["body"]> {
  const { status, body, text } = await answer;
  if (status === 503) throw new StorageGone();
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

/** A page of the newest events, as others commit. */
const readAudit: Writer = async (broker, _world, told) => {
  const { status, body } = await pageOfNewest(broker);
  if (status === 503) throw new StorageGone();
  for (const event of body.events as AuditEvent[]) told.events.set(event.position, event);
};

const CLIENTS = [makePoller, makeToken, setHint, changeConsent, rotate, makeNamedToken, joinByCode, readAudit];

/** One client of each kind, all at once, until the broker or its database is gone. */
export async function useUntilGone(broker: ListeningProcess, world: World, told: Told): Promise<void> {
  await Promise.all(
    CLIENTS.map(async (act) => {
      while (await answered(act(broker, world, told)));
    }),
  );
}
