import { expect } from "vitest";
import { catalogue, type ErrorCode } from "../../src/errors.ts";
import { type ApiAnswer, expectStatus, type TestBroker } from "../support/running-broker.ts";

/** For tests that ask faster than people do. */
export const UNLIMITED = {
  ENTENTE_LIMITS_REQUESTS_PER_SECOND: "100000",
  ENTENTE_LIMITS_REQUEST_BURST: "100000",
  ENTENTE_LIMITS_OPERATOR_REQUESTS_PER_SECOND: "100000",
  ENTENTE_LIMITS_OPERATOR_REQUEST_BURST: "100000",
  ENTENTE_LIMITS_REVISIONS_PER_HOUR: "100000",
  ENTENTE_LIMITS_FAILED_LOGINS_PER_MINUTE: "100000",
  ENTENTE_LIMITS_UNKNOWN_POLLERS_PER_MINUTE: "100000",
};

/** The answer, which must be a whole problem document of this code (RFC 9457). */
export async function refused(code: ErrorCode, answer: Promise<ApiAnswer>): Promise<ApiAnswer> {
  const found = await answer;
  const { status, title, mend } = catalogue[code];
  expect(found.body, found.text).toMatchObject({ type: `urn:entente:error:${code}`, code, status, title, mend });
  expect(found.status).toBe(status);
  expect(found.headers["content-type"]).toMatch(/^application\/problem\+json/);
  expect(found.body.requestId).toMatch(/^req_/);
  expect(found.body.detail).not.toBe("");
  return found;
}

/** What two answers are compared by where they must be the same bytes (S16). */
export const bytesButRequestId = ({ status, text }: ApiAnswer): string =>
  `${status} ${text.replace(/"requestId":"req_\w+"/, "")}`;

/** A mesh with its admin's token, and nothing else of its own yet. */
export interface BareMesh {
  readonly meshId: string;
  readonly trustDomain: string;
  readonly token: string;
}

export async function invite(broker: TestBroker, invitation: Record<string, unknown>): Promise<ApiAnswer> {
  return expectStatus(201, broker.api("POST", "/v1/invitations", { token: broker.operatorToken, body: invitation }));
}

/** Registers a mesh by invitation. The trust domain is `<meshId>.example` by default. */
export async function bareMesh(
  broker: TestBroker,
  meshId: string,
  trustDomain = `${meshId}.example`,
  described: Record<string, unknown> = {},
): Promise<BareMesh> {
  const { token } = (await invite(broker, { trustDomain })).body;
  const body = { meshId, trustDomain, ...described };
  const registered = await expectStatus(201, broker.api("POST", "/v1/meshes", { token, body }));
  return { meshId, trustDomain, token: registered.body.token };
}

/** The mesh's upload of these CA certificates; resolves with the answer's body. */
export async function upload(
  broker: TestBroker,
  mesh: BareMesh,
  pem: string,
  more: Record<string, unknown> = {},
  // biome-ignore lint/suspicious/noExplicitAny: as in `ApiAnswer`.
): Promise<any> {
  const { token, meshId } = mesh;
  const answer = broker.api("POST", `/v1/meshes/${meshId}/authorities`, { token, body: { pem, ...more } });
  return (await expectStatus(201, answer)).body;
}

/** The newest events, newest first, as the operator sees them. */
export async function events(broker: TestBroker, query = ""): Promise<ApiAnswer["body"][]> {
  const answer = broker.api("GET", `/v1/audit-events?${query}`, { token: broker.operatorToken });
  return (await expectStatus(200, answer)).body.events;
}

/** Asks again until the answer fits: for what follows the clock a little later. */
export async function eventually<T>(ask: () => Promise<T>, fits: (found: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const found = await ask();
    if (fits(found) || tries === 100) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The ID of a token, an invitation or a federation code, as the audit trail names it. */
export const idOf = (token: string): string => token.replace(/^ent_(tok|inv|fdc)_([0-9A-Za-z]{22}).*$/, "$1_$2");

/** What an act recorded, oldest first. */
export async function recordedBy(broker: TestBroker, act: () => Promise<unknown>): Promise<ApiAnswer["body"][]> {
  const [newest] = await events(broker, "limit=1");
  await act();
  return (await events(broker, "limit=100")).filter(({ position }) => position > newest.position).reverse();
}
