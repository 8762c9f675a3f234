import { afterAll, describe, expect, it } from "vitest";
import { refused, UNLIMITED } from "../api/api-fixture.ts";
import { jwtEntry, x509Entry } from "../bundle/entries.ts";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { bentBundles } from "./bent-bundles.ts";
import { printCounts } from "./counts.ts";

const broker = await runBroker(UNLIMITED);
const shop = await registerMesh(broker, "shop");
const bank = await registerMesh(broker, "bank");
await federate(broker, shop, bank);
const counts = { refused: 0, taken: 0 };
afterAll(async () => {
  await broker.remove();
  printCounts("bundles that are bent in one place", counts);
});

const send = (text: string | Buffer, { meshId, token } = shop) => {
  const raw = Buffer.concat([Buffer.from('{"bundle":'), Buffer.from(text), Buffer.from("}")]);
  return broker.api("POST", `/v1/meshes/${meshId}/authorities`, { token, raw });
};
/** What the peer is served, and what the mesh has: neither changes where an upload is refused. */
const standing = async () => {
  const listed = broker.api("GET", "/v1/meshes/shop/authorities?limit=1000", { token: shop.token });
  const served = await broker.pollSpiffe(`/p/${bank.pollerToken}/${shop.trustDomain}`);
  return [served.status, served.body, (await expectStatus(200, listed)).text];
};

describe("a bundle that breaks one rule is refused with the rule's code and place, and changes nothing", () => {
  it.each(bentBundles)("$rule: $name: $code $pointer", async ({ code, pointer, text }) => {
    const before = await standing();
    const { body } = await refused(code, send(text));
    expect(body.pointer).toBe(pointer === null ? undefined : pointer);
    expect(await standing()).toEqual(before);
    counts.refused += 1;
  });

  it("R28, R91: so is one with another trust domain's key", async () => {
    const copied = testCa({ trustDomain: bank.trustDomain, privateKey: shop.ca.privateKey });
    const { body } = await refused("key-known-elsewhere", send(JSON.stringify({ keys: [x509Entry(copied)] }), bank));
    expect(body.pointer).toBe("/bundle/keys/0");
    counts.refused += 1;
  });
});

describe("what is odd and not wrong is taken, and served as every consumer reads it", () => {
  const entry = (changes: object = {}) => x509Entry(testCa({ trustDomain: shop.trustDomain }), changes);

  const twice = ({ x5c, ...rest }: { x5c: string[] }) => ({ ...rest, x5c: [...x5c, ...entry().x5c] });

  it.each([
    ["R15: members that nobody defined", [entry()], { vendor: { deep: [null] }, spiffe_vendor: 1.5 }, []],
    ["R16, R17: the largest sequence", [entry()], { spiffe_sequence: 9_223_372_036_854_775_807n }, []],
    ["R18: a hint of zero", [entry()], { spiffe_refresh_hint: 0n }, []],
    ["R25: JWK members that nobody needs", [entry({ alg: "ES256", key_ops: ["verify"], x5t: "AA" })], {}, []],
    ["R33: a kid on an X.509 entry", [entry({ kid: "a" })], {}, ["key-id-ignored"]],
    ["R35: a second certificate", [twice(entry())], {}, ["further-certificates-ignored"]],
    ["R20: unknown entries beside known ones", [entry(), { kty: "AKP" }], {}, ["entry-ignored"]],
    ["R43, R47: a JWT key", [jwtEntry("signer")], {}, []],
  ])("%s", async (_name, keys, members, warnings) => {
    const text = JSON.stringify({ keys, ...members }, (_, value) =>
      typeof value === "bigint" ? `big${value}` : value,
    );
    const { body } = await expectStatus(201, send(text.replaceAll(/"big(\d+)"/g, "$1")));
    expect(body.warnings.map(({ code }: { code: string }) => code)).toEqual(warnings);
    const { keys: served, ...rest } = JSON.parse(
      (await broker.pollSpiffe(`/p/${bank.pollerToken}/${shop.trustDomain}`)).body,
    );
    expect(Object.keys(rest)).toEqual(["spiffe_refresh_hint", "spiffe_sequence"]);
    for (const { use, x5c, kid } of served)
      expect([use, x5c?.length, typeof kid]).toEqual(
        use === "x509-svid" ? [use, 1, "undefined"] : [use, undefined, "string"],
      );
    counts.taken += 1;
  });
});
