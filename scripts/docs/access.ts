import { endpointsOf } from "../../src/app.ts";
import { type Permission, permits, ROLES, type Role } from "../../src/features/access/role.ts";
import type { Broker } from "../../src/features/broker.ts";
import type { Endpoint } from "../../src/http/endpoint.ts";
import { code, type Document, NOTICE, table } from "./document.ts";

export const access: Document = { path: "docs/access.md", render };

type Holder = Role | "invitation";
const HOLDERS: readonly Holder[] = [...ROLES, "invitation"];

const MEANINGS: Record<Holder, readonly [reaches: string, isFor: string]> = {
  operator: ["every mesh", "Runs the broker: registers and invites, reads all. Never speaks for a mesh (S23)."],
  "mesh-admin": [
    "the meshes that its token names",
    "Administers them: authorities, pollers, consents, further tokens.",
  ],
  "mesh-viewer": ["the meshes that its token names", "Reads them and changes nothing."],
  auditor: ["every mesh", "Reads all and changes nothing."],
  invitation: ["nothing", "Registers one mesh of the trust domain that it names, once (S19)."],
};

/** What the table of permissions cannot say: rules within an operation. */
const RULES: readonly string[] = [
  "What a credential does not reach answers 404 like what is absent (S16). A missing permission answers 403 " +
    "`forbidden`; no valid credential 401 `unauthenticated`.",
  "An operator's proposal of a federation consents for nobody. Consent is each side's own, and a token that " +
    "administers both sides still speaks for one at a time.",
  "Nobody makes a token of wider rights than its own. A mesh-admin makes mesh-admin and mesh-viewer tokens of its " +
    "meshes. An operator makes operator, auditor and mesh-viewer tokens, and a mesh-admin token only for meshes of which " +
    "none has a valid one; it cannot revoke one (S23).",
  "A token that speaks for several meshes is rotated by an admin of all of them. A mesh-admin token is also revoked by such " +
    "an admin alone, itself included; a mesh-viewer token by the admin of any of its meshes; an operator does both to it. " +
    "A mesh that is deleted is none of its meshes any more, and one that spoke for no other ends.",
  "Refresh hint, publicness and memberships of a trust domain are for an admin of its owner mesh: 403 `not-the-owner` " +
    "for other members. The owner can also veto a member's federation. How is in [trust-domain-owners.md](trust-domain-owners.md).",
  "Of the other side's acts a mesh sees mesh ID, type, time and outcome; not token, source or request ID (S21). " +
    "Of what an operator does to one mesh, another's people see type, time and outcome. An owner of a trust domain sees what its " +
    "members federate and who asks to be one, without being named in those events.",
  "A reason given with one's word on a federation (a proposal, a consent, terms, a veto, the code that carries a consent) is " +
    "addressed to the other side: both read it in the federation. Every other reason is for the audit trail of one's own " +
    "side, and an operator's, who gives no word, for the people of the mesh that it acts for or on. The events of the other " +
    "side's acts are without reasons all the same.",
  "A federation code is its mesh's consent, given in advance by its admin. It is no bearer: it goes into the body of one " +
    "proposal, whose proposer learns which mesh it is of, and nothing of who made it.",
  "A poller's token is no bearer: it works in its own path on the bundle endpoint, and nowhere else.",
];

function render(): string {
  const endpoints = endpointsOf({
    broker: {} as Broker,
    health: { unreadiness: async () => [], metrics: async () => "" },
  });
  const permissions = [...new Set(endpoints.map(({ permission }) => permission))].filter((name) => name !== "anybody");
  return [
    "# Who may do what",
    NOTICE,
    "A request to the admin API carries `Authorization: Bearer` with a token or an invitation. A token has one role. " +
      "The bundle endpoint takes no such credential.",
    "## Roles",
    table(
      ["role", "reaches", "what it is for"],
      HOLDERS.map((holder) => [code(holder), ...MEANINGS[holder]]),
    ),
    "## Permissions",
    table(
      ["permission", ...HOLDERS],
      permissions.map((permission) => [code(permission), ...HOLDERS.map((holder) => mark(holder, permission))]),
    ),
    "## Beyond the table",
    RULES.map((rule) => `- ${rule}`).join("\n"),
    "## Operations",
    table(["operation", "what it does", "permission"], endpoints.map(row)),
    "",
  ]
    .join("\n\n")
    .replace(/\n+$/, "\n");
}

const mark = (holder: Holder, permission: Permission): string => (permits(holder, permission) ? "yes" : "–");

const row = ({ method, path, summary, permission }: Endpoint): string[] => [
  code(`${method} ${path}`),
  summary,
  permission === "anybody" ? "none" : code(permission),
];
