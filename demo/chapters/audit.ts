import { createToken, listAuditEvents } from "../../src/client/operations.ts";
import type { AuditEvent } from "../../src/client/schemas.ts";
import { asking } from "../api.ts";
import { curlLine } from "../curl.ts";
import { sentenceOf } from "../sentence.ts";
import { ask, done, type World } from "../world.ts";

/** What must be found in the trail: of each kind of act in the story at least one. */
const DONE = [
  "invitation.created",
  "invitation.spent",
  "mesh.registered",
  "authority.contributed",
  "authority.transitioned",
  "bundle.revised",
  "poller.created",
  "federation.proposed",
  "federation.granted",
  "federation.withdrawn",
  "request.refused",
];
/** And each of the changes that were refused to a known caller, by its code. */
const REFUSED = [
  "forbidden",
  "invitation-mismatch",
  "certificate-spiffe-id",
  "certificate-not-ca",
  "private-key-submitted",
];
const PAGE = 1_000;

/** The story once more, as the broker has recorded it. */
export async function readTheTrail(world: World): Promise<void> {
  const { stage } = world;
  stage.chapter(
    "All of it, in the audit trail",
    "Every change was recorded in the transaction that made it; what was refused to a known caller is there too.",
  );
  const auditor = await ask(
    world,
    "The operator makes a token for an auditor, who reads all and changes nothing",
    asking(createToken, { body: { name: "the demo's auditor", role: "auditor" } }, { as: "OPERATOR_TOKEN" }),
    "201",
  );
  world.secrets.put("AUDITOR_TOKEN", auditor.token);
  const reading = asking(listAuditEvents, { query: { order: "asc", limit: PAGE } }, { as: "AUDITOR_TOKEN" });
  const events = await stage.step<readonly AuditEvent[]>({
    title: "The auditor reads the trail: no position is missing, and every act is there",
    command: curlLine(reading),
    expected: "complete",
    async act() {
      const { events: found } = await done(world, reading);
      const gap = found.findIndex(({ position }, index) => position !== index + 1);
      const untold = DONE.filter((type) => !found.some((event) => event.type === type));
      const unrefused = REFUSED.filter((code) => !found.some(({ detail }) => detail?.code === code));
      const missing = [...(gap < 0 ? [] : [`position ${gap + 1}`]), ...untold, ...unrefused];
      const actual = missing.length === 0 ? "complete" : `missing: ${missing.join(", ")}`;
      return { actual, note: `${found.length} events`, value: found };
    },
  });
  const operators = new Set(
    events.filter(({ type, meshId }) => type === "invitation.created" && meshId === null).map(({ actor }) => actor?.id),
  );
  const nameOf = (id: string) => (operators.has(id) ? "operator" : id.startsWith("inv_") ? "invited" : id);
  for (const event of events) stage.say(sentenceOf(event, nameOf));
}
