import { createPoller, decideMembership, invite, registerMesh as register } from "../../src/client/operations.ts";
import type { Answer } from "../support/poll.ts";
import {
  type AdminApi,
  type ApiAnswer,
  registerMesh,
  type TestBroker,
  type TestMesh,
} from "../support/running-broker.ts";

let pairs = 0;

/** Two meshes of their own for each test, so that tests share a broker and nothing else. */
export async function twoMeshes(broker: AdminApi): Promise<{ bank: TestMesh; shop: TestMesh }> {
  pairs += 1;
  return { bank: await registerMesh(broker, `bank-${pairs}`), shop: await registerMesh(broker, `shop-${pairs}`) };
}

/** A further mesh of a trust domain, with a poller; pending until the owner grants, which `granted` does. */
export async function joinMesh(
  broker: AdminApi,
  meshId: string,
  owner: TestMesh,
  { granted = true }: { granted?: boolean } = {},
): Promise<Pick<TestMesh, "meshId" | "trustDomain" | "token" | "pollerToken">> {
  const { trustDomain } = owner;
  const invited = await invite(broker.as(broker.operatorToken), { body: { trustDomain } });
  const { token = "" } = (await register(broker.as(invited.body.token), { body: { meshId, trustDomain } })).body;
  if (granted)
    await decideMembership(broker.as(owner.token), {
      path: { trustDomain },
      body: { meshId, decision: "grant" },
    });
  const poller = await createPoller(broker.as(token), { path: { meshId }, body: { name: "control plane" } });
  return { meshId, trustDomain, token, pollerToken: poller.body.token };
}

type Side = Pick<TestMesh, "meshId" | "token">;

export const propose = (
  broker: AdminApi,
  token: string,
  proposer: string,
  peer: string,
  more: Record<string, unknown> = {},
): Promise<ApiAnswer> => broker.api("POST", "/v1/federations", { token, body: { proposer, peer, ...more } });

/** A side's word: grant, deny or withdraw. */
export const decide = (
  broker: AdminApi,
  { token, meshId }: Side,
  federationId: string,
  decision: string,
  more: Record<string, unknown> = {},
): Promise<ApiAnswer> =>
  broker.api("POST", `/v1/federations/${federationId}/consents`, { token, body: { meshId, decision, ...more } });

export const askTerms = (
  broker: AdminApi,
  { token, meshId }: Side,
  federationId: string,
  asked: Record<string, unknown>,
): Promise<ApiAnswer> =>
  broker.api("POST", `/v1/federations/${federationId}/terms`, { token, body: { meshId, ...asked } });

export const readFederation = (broker: AdminApi, { token }: Side, federationId: string): Promise<ApiAnswer> =>
  broker.api("GET", `/v1/federations/${federationId}`, { token });

/** What a mesh's poller is answered for a trust domain. */
export const poll = (
  broker: Pick<TestBroker, "pollSpiffe">,
  { pollerToken }: Pick<TestMesh, "pollerToken">,
  trustDomain: string,
  options?: { method?: string; headers?: Record<string, string> },
): Promise<Answer> => broker.pollSpiffe(`/p/${pollerToken}/${trustDomain}`, options);

export interface Bundle {
  readonly keys: readonly Record<string, unknown>[];
  readonly spiffe_sequence: number;
  readonly spiffe_refresh_hint: number;
}

/** The bundle of a poll, which must have been answered 200. */
export async function bundle(answer: Promise<Answer>): Promise<Bundle> {
  const { status, body } = await answer;
  if (status !== 200) throw new Error(`expected a bundle, got ${status}: ${body}`);
  return JSON.parse(body) as Bundle;
}

/** In short what a mesh gets: how many keys, or the status. */
export async function served(
  broker: Pick<TestBroker, "pollSpiffe">,
  mesh: Pick<TestMesh, "pollerToken">,
  trustDomain: string,
): Promise<"bundle" | "tombstone" | number> {
  const { status, body } = await poll(broker, mesh, trustDomain);
  if (status !== 200) return status;
  return (JSON.parse(body) as Bundle).keys.length > 0 ? "bundle" : "tombstone";
}

/** Asks until the answer is the wanted one; what the log follows by itself has no moment of its own to wait for. */
export async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
