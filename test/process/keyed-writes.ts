import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { ListeningProcess } from "../support/broker-process.ts";
import { type ApiAnswer, expectStatus } from "../support/running-broker.ts";
import { type AuditEvent, everything } from "./crash-reading.ts";
import { StorageGone, type Told, type World } from "./crash-told.ts";

type Kind = "token" | "invitation" | "mesh" | "federation-code" | "federation";

/** A create under an `Idempotency-Key`, found again by a label that its client chose, as its ID may never be heard. */
interface Ask {
  readonly kind: Kind;
  readonly label: string;
  readonly path: string;
  readonly token: string;
  readonly body: object;
}

/** `unheard`: no answer came, so either may hold; `refused`: the broker said that nothing was changed. */
interface KeyedWrite extends Ask {
  heard: "unheard" | "acknowledged" | "refused";
}

/** Every keyed write so far, by its key, and how those whose answers were lost turned out when they were sent again. */
export interface KeyedWrites {
  readonly writes: Map<string, KeyedWrite>;
  readonly sentAgain: { done: number; undone: number };
  answered: number;
}

const OF: Readonly<
  Record<Kind, { list(world: World): string; plural: string; label: string; id: string; event: string }>
> = {
  token: { list: () => "/v1/tokens", plural: "tokens", label: "name", id: "tokenId", event: "token.created" },
  invitation: {
    list: () => "/v1/invitations",
    plural: "invitations",
    label: "trustDomain",
    id: "invitationId",
    event: "invitation.created",
  },
  mesh: { list: () => "/v1/meshes", plural: "meshes", label: "meshId", id: "meshId", event: "mesh.registered" },
  "federation-code": {
    list: ({ bank }) => `/v1/meshes/${bank.meshId}/federation-codes`,
    plural: "federationCodes",
    label: "reason",
    id: "codeId",
    event: "federation-code.created",
  },
  federation: {
    list: () => "/v1/federations",
    plural: "federations",
    label: "proposer",
    id: "federationId",
    event: "federation.proposed",
  },
};

/** A kill seldom falls between a commit and its answer: one answer of so many, and the first, is not listened to in any case. */
const DEAF_EVERY = 4;

const KINDS = Object.keys(OF) as Kind[];

const post = (broker: ListeningProcess, { path, token, body }: Ask, key: string): Promise<ApiAnswer> =>
  broker.api("POST", path, { token, body, headers: { "idempotency-key": key } });

/** The answer's body; undefined where nobody listened to it. */
async function createUnderKey(broker: ListeningProcess, told: Told, ask: Ask): Promise<ApiAnswer["body"]> {
  const write: KeyedWrite = { ...ask, heard: "unheard" };
  const key = randomUUID();
  told.keyed.writes.set(key, write);
  const { status, body, text } = await post(broker, ask, key);
  told.keyed.answered += 1;
  if (status === 503) {
    if (body.outcome !== "unknown") write.heard = "refused";
    throw new StorageGone();
  }
  if (status !== 201) throw new Error(`a create was refused with ${status}: ${text}`);
  if (told.keyed.answered % DEAF_EVERY === 1) return undefined;
  write.heard = "acknowledged";
  told.changes += 1;
  return body;
}

export async function makeNamedToken(broker: ListeningProcess, { shop }: World, told: Told): Promise<void> {
  const name = randomUUID();
  const body = { name, role: "mesh-viewer", meshes: [shop.meshId] };
  await createUnderKey(broker, told, { kind: "token", label: name, path: "/v1/tokens", token: shop.token, body });
}

/** A mesh by invitation, which proposes to the bank with a code of the bank's: each step needs the answer before. */
export async function joinByCode(broker: ListeningProcess, world: World, told: Told): Promise<void> {
  const meshId = `m-${randomUUID()}`;
  const trustDomain = `${meshId}.example`;
  const create = (kind: Kind, label: string, path: string, token: string, body: object) =>
    createUnderKey(broker, told, { kind, label, path, token, body });
  const invited = await create("invitation", trustDomain, "/v1/invitations", broker.operatorToken, { trustDomain });
  const mesh = invited && (await create("mesh", meshId, "/v1/meshes", invited.token, { meshId, trustDomain }));
  const made =
    mesh &&
    (await create("federation-code", meshId, OF["federation-code"].list(world), world.bank.token, {
      reason: meshId,
    }));
  if (made) await create("federation", meshId, "/v1/federations", mesh.token, { proposer: meshId, code: made.code });
}

/** How many there are of each label, each with the one event that tells of it. */
async function effects(broker: ListeningProcess, world: World, events: readonly AuditEvent[]) {
  const told = new Map<string, number>();
  for (const { type, subjects } of events)
    for (const subject of subjects) {
      const about = `${type} ${subject}`;
      told.set(about, (told.get(about) ?? 0) + 1);
    }
  const found = new Map<string, number>();
  for (const kind of KINDS) {
    const { list, plural, label, id, event } = OF[kind];
    for (const one of await everything<Record<string, string>>(broker, broker.operatorToken, list(world), plural)) {
      const name = `${kind} ${one[label]}`;
      found.set(name, (found.get(name) ?? 0) + 1);
      expect(told.get(`${event} ${kind}/${one[id]}`), `events ${event} of ${kind} ${one[id]}`).toBe(1);
    }
  }
  return (write: KeyedWrite) => found.get(`${write.kind} ${write.label}`) ?? 0;
}

/** L19: what was acknowledged is there once, what was refused is not; what was not heard is sent again and is there once. */
export async function checkKeyedWrites(
  broker: ListeningProcess,
  world: World,
  { keyed: { writes, sentAgain } }: Told,
  readEvents: () => Promise<readonly AuditEvent[]>,
): Promise<void> {
  const labels = (times: (write: KeyedWrite) => number, wrong: (write: KeyedWrite, count: number) => boolean) =>
    [...writes.values()].filter((write) => wrong(write, times(write))).map(({ kind, label }) => `${kind} ${label}`);
  const before = await effects(broker, world, await readEvents());
  expect(
    labels(before, ({ heard }, times) => heard === "acknowledged" && times === 0),
    "acknowledged, then lost",
  ).toEqual([]);
  expect(
    labels(before, ({ heard }, times) => heard === "refused" && times > 0),
    "refused, then done",
  ).toEqual([]);
  expect(
    labels(before, (_, times) => times > 1),
    "done twice",
  ).toEqual([]);

  const unheard = [...writes].filter(([, { heard }]) => heard === "unheard");
  for (const [key, write] of unheard) {
    const { status, body, text } = await post(broker, write, key);
    if (status !== 201 && body.code !== "secret-already-shown")
      throw new Error(`sent again, refused ${status}: ${text}`);
    if (write.kind === "mesh" && status === 201)
      await expectStatus(200, broker.api("GET", `/v1/meshes/${write.label}`, { token: body.token }));
    sentAgain[before(write) === 1 ? "done" : "undone"] += 1;
    write.heard = "acknowledged";
  }
  const after = await effects(broker, world, await readEvents());
  expect(
    labels(after, ({ heard }, times) => heard === "acknowledged" && times !== 1),
    "not done once",
  ).toEqual([]);
}
