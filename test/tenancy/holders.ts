import { invite } from "../api/api-fixture.ts";
import { expectStatus, type TestBroker } from "../support/running-broker.ts";
import type { Role } from "./rows.ts";
import type { Tenants } from "./targets.ts";

/** Nobody is let in with these. */
export const NO_CREDENTIAL = ["none", "expired", "revoked", "poller", "spent invitation"] as const;
/** `viewer` and `admin` are of `shop`, `peer` is an admin of `bank`, `stranger` one of `isle`. */
export const HOLDERS = ["viewer", "admin", "peer", "stranger", "auditor", "operator", "invitation"] as const;
export type Holder = (typeof HOLDERS)[number];

/** What each holder is: its role, and the mesh that it is of. */
export const IS: Readonly<Record<Holder, { readonly role: Role; readonly meshId?: string }>> = {
  viewer: { role: "mesh-viewer", meshId: "shop" },
  admin: { role: "mesh-admin", meshId: "shop" },
  peer: { role: "mesh-admin", meshId: "bank" },
  stranger: { role: "mesh-admin", meshId: "isle" },
  auditor: { role: "auditor" },
  operator: { role: "operator" },
  invitation: { role: "invitation" },
};

export type Credentials = Record<Holder | (typeof NO_CREDENTIAL)[number], string | undefined>;

/** An invitation for `invited.example`: ten refusals void one. */
export const newInvitation = async (broker: TestBroker): Promise<string> =>
  (await invite(broker, { trustDomain: "invited.example" })).body.token;

/** A credential of each kind; resolves when the expired one has expired. */
export async function credentials(broker: TestBroker, { meshes }: Tenants): Promise<Credentials> {
  const { operatorToken } = broker;
  const make = async (token: string, body: object) =>
    (await expectStatus(201, broker.api("POST", "/v1/tokens", { token, body: { name: "test", ...body } }))).body;
  const expired = await make(operatorToken, { role: "operator", expiresInSeconds: 1 });
  const revoked = await make(operatorToken, { role: "operator" });
  await expectStatus(200, broker.api("DELETE", `/v1/tokens/${revoked.tokenId}`, { token: operatorToken }));
  const spent = (await invite(broker, { trustDomain: "spent.example" })).body.token;
  const body = { meshId: "guest", trustDomain: "spent.example" };
  await expectStatus(201, broker.api("POST", "/v1/meshes", { token: spent, body }));
  const viewer = await make(meshes.shop.token, { role: "mesh-viewer", meshes: ["shop"] });
  const auditor = await make(operatorToken, { role: "auditor" });
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, Date.parse(expired.expiresAt) - Date.now() + 1)));
  return {
    none: undefined,
    expired: expired.token,
    revoked: revoked.token,
    poller: meshes.shop.pollerToken,
    "spent invitation": spent,
    viewer: viewer.token,
    admin: meshes.shop.token,
    peer: meshes.bank.token,
    stranger: meshes.isle.token,
    auditor: auditor.token,
    operator: operatorToken,
    invitation: await newInvitation(broker),
  };
}
