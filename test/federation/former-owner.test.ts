import { afterAll, expect, it } from "vitest";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { eventually } from "./federation-fixture.ts";

const broker = await runBroker();
afterAll(() => broker.remove());
const operator = broker.operatorToken;

it("S21: the new owner of a trust domain that was given back learns nothing of the former one's peers, nor of itself", async () => {
  const former = await registerMesh(broker, "former", { trustDomain: "reused.example" });
  const secret = await registerMesh(broker, "secret", { mesh: { listed: false } });
  const before = await federate(broker, secret, former, { reason: "the former agreement" });
  const path = `/p/${secret.pollerToken}/reused.example`;
  expect((await broker.pollSpiffe(path)).status).toBe(200);
  const holders = async (token: string) =>
    (await expectStatus(200, broker.api("GET", "/v1/trust-domains/reused.example/deliveries", { token }))).body
      .deliveries as { meshId: string }[];
  await eventually(
    () => holders(former.token),
    ({ length }) => length === 1,
  );
  await expectStatus(200, broker.api("DELETE", "/v1/meshes/former?withdraw=true", { token: former.token }));

  const mesh = { meshId: "latter", trustDomain: "reused.example" };
  await expectStatus(201, broker.api("POST", "/v1/meshes", { token: operator, body: mesh }));
  const made = { name: "admin", role: "mesh-admin", meshes: ["latter"] };
  const { token } = (await expectStatus(201, broker.api("POST", "/v1/tokens", { token: operator, body: made }))).body;
  expect(await holders(token)).toEqual([]);
  expect((await broker.pollSpiffe(path)).status).toBe(200);
  await eventually(
    () => holders(operator),
    ({ length }) => length === 1,
  );
  expect(await holders(token)).toEqual([]);
  const revisions = "/v1/trust-domains/reused.example/revisions";
  const { body } = await expectStatus(200, broker.api("GET", revisions, { token }));
  expect(body.revisions.length).toBeGreaterThan(1);
  expect(JSON.stringify(body)).not.toContain("former");
  for (const { cause, links } of body.revisions) expect([cause, links]).toEqual([null, {}]);

  const { federations } = (await expectStatus(200, broker.api("GET", "/v1/federations", { token }))).body;
  expect(federations).toEqual([]);
  expect((await broker.api("GET", `/v1/federations/${before}`, { token })).status).toBe(404);
  const veto = { token, body: { meshId: "latter", decision: "deny", reason: "said by a stranger" } };
  expect((await broker.api("POST", `/v1/federations/${before}/consents`, veto)).status).toBe(404);

  await federate(broker, secret, { meshId: "latter", token }, { trust: [{ consumer: "secret", provider: "latter" }] });
  expect(await holders(token)).toMatchObject([{ meshId: "secret" }]);
  // One that is served it for the first time.
  const fresh = await registerMesh(broker, "fresh");
  await federate(broker, fresh, { meshId: "latter", token }, { trust: [{ consumer: "fresh", provider: "latter" }] });
  expect((await broker.pollSpiffe(`/p/${fresh.pollerToken}/reused.example`)).status).toBe(200);
  await eventually(
    () => holders(token),
    (found) => found.map(({ meshId }) => meshId).join() === "fresh,secret",
  );
});
