import { hash } from "node:crypto";
import { registerAuthorities, transitionAuthority } from "../../src/features/authorities/authority.service.ts";
import { earliestDeadline } from "../../src/features/bundles/deadline.service.ts";
import { saveDeliveries } from "../../src/features/deliveries/delivery.service.ts";
import { createDistrust, liftDistrust } from "../../src/features/distrusts/distrust.service.ts";
import { askForTerms, giveConsent } from "../../src/features/federations/decide.service.ts";
import { propose } from "../../src/features/federations/propose.service.ts";
import { deleteMesh } from "../../src/features/meshes/deletion.service.ts";
import type { MeshId } from "../../src/features/meshes/mesh-id.ts";
import { endSuspension, suspendMesh } from "../../src/features/meshes/suspension.service.ts";
import { createPoller, revokePoller } from "../../src/features/pollers/poller.service.ts";
import { decideMember } from "../../src/features/trust-domains/membership.service.ts";
import { decideTransfer, offerTransfer } from "../../src/features/trust-domains/transfer.service.ts";
import { changeTrustDomain } from "../../src/features/trust-domains/trust-domain.service.ts";
import type { TrustDomain } from "../../src/spiffe/trust-domain.ts";
import { parseText } from "../../src/text.ts";
import { SECOND_MS } from "../../src/time.ts";
import { adminOf, operator } from "../support/store-broker.ts";
import { materials, TRUST_DOMAINS } from "./material.ts";
import { ask, hear, type ModelFederation } from "./model.ts";
import type { Step } from "./steps.ts";
import { pass, restart, setClock, type World } from "./world.ts";

const MOST_MESHES = 6;

/** The one of a list that a step means; undefined of an empty list. */
const pick = <T>(all: readonly T[], index: number): T | undefined => all[index % Math.max(all.length, 1)];
const id = (meshId: string) => meshId as MeshId;

/** Does the step to the broker and, where the broker accepts it, to the model. */
export async function take(world: World, step: Step): Promise<void> {
  const { broker } = world;
  switch (step.kind) {
    case "register":
      return register(world, TRUST_DOMAINS[step.trustDomain] as TrustDomain);
    case "contribute":
      return contribute(world, step);
    case "transition":
      return transition(world, step);
    case "membership":
      return decideMembership(world, step);
    case "trust domain":
      return changeDomain(world, step);
    case "propose":
      return proposeFederation(world, step);
    case "agree":
      return agree(world, step);
    case "consent":
      return consent(world, step);
    case "veto":
      return veto(world, step);
    case "terms":
      return changeTerms(world, step);
    case "poller":
      return addPoller(world, step);
    case "revoke poller":
      return endPoller(world, step);
    case "deliver":
      return deliver(world, step);
    case "distrust":
      return distrust(world, step);
    case "lift":
      return lift(world, step);
    case "pass":
      return pass(world, step.ms);
    case "pass to a deadline": {
      const due = await earliestDeadline(broker.db);
      const now = broker.time.clock();
      if (due !== null && due > now) pass(world, due - now);
      return;
    }
    case "set the clock":
      return setClock(world, broker.time.clock() + (step.back ? -step.by : step.by));
    case "keeper":
      world.keeper.on = step.on;
      return;
    case "restart":
      return restart(world);
    case "suspend":
      return suspend(world, step);
    case "transfer":
      return transfer(world, step);
    case "delete":
      return remove(world, step);
    default:
      return step satisfies never;
  }
}

type Of<Kind extends Step["kind"]> = Extract<Step, { kind: Kind }>;

const present = ({ model }: World) => [...model.meshes.values()].filter(({ deleted }) => !deleted);

async function register(world: World, trustDomain: TrustDomain): Promise<void> {
  const { model } = world;
  if (present(world).length >= MOST_MESHES) return;
  const meshId = `mesh-${model.meshes.size + 1}`;
  await world.broker.register(meshId, trustDomain);
  const owner = model.owners.get(trustDomain) ?? null;
  model.meshes.set(meshId, { meshId, trustDomain, granted: owner === null, deleted: false });
  if (owner !== null) return world.reached("asked to be a member");
  model.owners.set(trustDomain, meshId);
  if (!model.hints.has(trustDomain)) model.hints.set(trustDomain, 300);
}

async function contribute(world: World, step: Of<"contribute">): Promise<void> {
  const mesh = pick(present(world), step.mesh);
  const material = mesh && pick(materials.get(mesh.trustDomain as TrustDomain) ?? [], step.authority);
  if (!mesh || !material) return;
  const { meshId, trustDomain } = mesh;
  await world.attempt(
    adminOf(id(meshId)),
    (work) => registerAuthorities(work, id(meshId), material.upload, step.state),
    ({ contributions }) => {
      for (const { known } of contributions) {
        world.model.contributions.push({
          meshId,
          trustDomain,
          authorityId: known.authorityId,
          authority: material.authority,
          published: true,
        });
      }
    },
  );
}

async function transition({ model, attempt, reached }: World, step: Of<"transition">): Promise<void> {
  const contribution = pick(model.contributions, step.contribution);
  if (!contribution) return;
  const { meshId, authorityId, trustDomain, authority } = contribution;
  await attempt(
    adminOf(id(meshId)),
    (work) => transitionAuthority(work, id(meshId), authorityId, { to: step.to, reason: null, force: step.force }),
    () => {
      reached(step.to);
      if (step.to === "revoked") model.revoked.add(`${trustDomain} ${authority.fingerprint}`);
      else contribution.published = step.to !== "retired";
    },
  );
}

async function decideMembership({ model, attempt, reached, ...world }: World, step: Of<"membership">): Promise<void> {
  const mesh = pick(present({ model, attempt, reached, ...world }), step.mesh);
  const owner = mesh && model.owners.get(mesh.trustDomain);
  if (!mesh || !owner) return;
  const asked = { meshId: id(mesh.meshId), decision: step.decision, reason: null, force: true };
  await attempt(
    adminOf(id(owner)),
    (work) => decideMember(work, adminOf(id(owner)), mesh.trustDomain as TrustDomain, asked),
    ({ state }) => {
      reached(state);
      mesh.granted = step.decision === "grant";
    },
  );
}

async function changeDomain({ model, attempt }: World, step: Of<"trust domain">): Promise<void> {
  const name = TRUST_DOMAINS[step.trustDomain] as TrustDomain;
  const owner = model.owners.get(name);
  if (!owner) return;
  const change = { refreshHintSeconds: step.refreshHintSeconds, public: step.public };
  await attempt(
    adminOf(id(owner)),
    (work) => changeTrustDomain(work, adminOf(id(owner)), name, change),
    () => {
      model.hints.set(name, step.refreshHintSeconds);
      if (step.public) model.public.add(name);
      else model.public.delete(name);
    },
  );
}

type Asked = Pick<Of<"terms">, "trust" | "endsIn">;

function termsOf(world: World, [a, b]: readonly [string, string], { trust, endsIn }: Asked) {
  const endsAt = endsIn === null ? null : world.broker.time.clock() + endsIn;
  const [first, second] = [a, b].sort() as [string, string];
  const consumers = { both: [first, second], first: [first], second: [second] }[trust] as string[];
  const directions = consumers.map((consumer) => ({
    consumer: id(consumer),
    provider: id(consumer === first ? second : first),
  }));
  return { model: { consumers, endsAt }, trust: directions, expiresAt: endsAt };
}

async function proposeFederation(world: World, step: Of<"propose">): Promise<void> {
  const proposer = pick(present(world), step.proposer)?.meshId;
  const peer = pick(present(world), step.peer)?.meshId;
  if (proposer === undefined || peer === undefined) return;
  const { model, ...terms } = termsOf(world, [proposer, peer], step);
  const caller = step.byOperator ? operator : adminOf(id(proposer));
  await world.attempt(
    caller,
    (work) => propose(work, caller, { ...terms, proposer: id(proposer), peer: id(peer), reason: null }),
    ({ federationId }) => {
      const by = step.byOperator ? [] : [proposer];
      world.model.federations.push({
        federationId,
        sides: [proposer, peer].sort() as [string, string],
        agreed: null,
        offer: { terms: model, by: new Set(by) },
        said: new Map(by.map((side) => [side, "granted"])),
        vetoes: new Set(),
      });
    },
  );
}

/** A proposal that the other side grants: what random calls seldom come to. */
async function agree(world: World, step: Of<"agree">): Promise<void> {
  const { federations } = world.model;
  const before = federations.length;
  await proposeFederation(world, { ...step, kind: "propose", byOperator: false });
  if (federations.length === before) return;
  for (const side of [0, 1]) await consent(world, { kind: "consent", federation: before, side, decision: "grant" });
}

const sideOf = (federation: ModelFederation, side: number): string => federation.sides[side] as string;

async function consent(
  { model, attempt, reached }: World,
  { federation, side, decision }: Of<"consent">,
): Promise<void> {
  const meant = pick(model.federations, federation);
  if (!meant) return;
  const meshId = sideOf(meant, side);
  const asked = { meshId: id(meshId), decision, termsDigest: null, reason: null };
  await attempt(
    adminOf(id(meshId)),
    (work) => giveConsent(work, adminOf(id(meshId)), meant.federationId, asked),
    () => {
      hear(meant, meshId, decision);
      const own = model.meshes.get(meshId)?.trustDomain ?? "";
      if (decision === "grant" && model.owners.get(own) === meshId) meant.vetoes.delete(own);
      reached(decision);
    },
  );
}

async function veto({ model, attempt, reached }: World, step: Of<"veto">): Promise<void> {
  const meant = pick(model.federations, step.federation);
  const trustDomain = meant && model.meshes.get(sideOf(meant, step.party))?.trustDomain;
  const owner = trustDomain && model.owners.get(trustDomain);
  if (!meant || !owner || meant.sides.includes(owner)) return;
  const asked = { meshId: id(owner), decision: step.decision, termsDigest: null, reason: null };
  await attempt(
    adminOf(id(owner)),
    (work) => giveConsent(work, adminOf(id(owner)), meant.federationId, asked),
    () => {
      reached("an owner decided");
      if (step.decision === "grant") meant.vetoes.delete(trustDomain);
      else meant.vetoes.add(trustDomain);
    },
  );
}

async function changeTerms(world: World, step: Of<"terms">): Promise<void> {
  const meant = pick(world.model.federations, step.federation);
  if (!meant) return;
  const meshId = sideOf(meant, step.side);
  const { model, ...terms } = termsOf(world, meant.sides, step);
  const asked = { ...terms, meshId: id(meshId), reason: null };
  await world.attempt(
    adminOf(id(meshId)),
    (work) => askForTerms(work, adminOf(id(meshId)), meant.federationId, asked),
    () => {
      ask(meant, meshId, model);
      world.reached("other terms");
    },
  );
}

async function addPoller(world: World, step: Of<"poller">): Promise<void> {
  const mesh = pick(present(world), step.mesh);
  if (!mesh) return;
  const { meshId } = mesh;
  const name = parseText(`poller ${world.pollers.length}`, "");
  const life = step.endsIn === null ? {} : { expiresInSeconds: step.endsIn / SECOND_MS };
  await world.attempt(
    adminOf(id(meshId)),
    (work) => createPoller(work, id(meshId), { name, ...life }),
    ({ poller: { pollerId, position, expiresAt } }) =>
      world.pollers.push({ pollerId, meshId, position, expiresAt, revoked: false, holds: new Map() }),
  );
}

async function endPoller({ pollers, attempt }: World, step: Of<"revoke poller">): Promise<void> {
  const poller = pick(pollers, step.poller);
  if (!poller) return;
  await attempt(
    adminOf(id(poller.meshId)),
    (work) => revokePoller(work, id(poller.meshId), poller.pollerId),
    () => {
      poller.revoked = true;
    },
  );
}

async function deliver({ broker, pollers, publication, reached }: World, step: Of<"deliver">): Promise<void> {
  const poller = pick(pollers, step.poller);
  const trustDomain = TRUST_DOMAINS[step.trustDomain] as TrustDomain;
  const at = broker.time.clock();
  if (!poller || poller.revoked || (poller.expiresAt !== null && at >= poller.expiresAt)) return;
  const { pollerId, meshId, position, expiresAt } = poller;
  const input = { pollerId, meshId, position, expiresAt, tokenHash: hash("sha256", pollerId) };
  const shown = publication.look(input, trustDomain, at);
  if (shown === "gone" || shown === "absent") return;
  const { sequence, revision } = shown;
  publication.noteDelivery(input, trustDomain, shown);
  await saveDeliveries(broker.db, [{ pollerId, meshId, trustDomain, sequence, revision, projection: "spiffe", at }]);
  poller.holds.set(trustDomain, revision === null ? "tombstone" : "bundle");
  reached(revision === null ? "a poller fetched a tombstone" : "a poller fetched a bundle");
}

async function distrust(world: World, step: Of<"distrust">): Promise<void> {
  const { model, attempt, reached } = world;
  const mesh = pick(present(world), step.mesh);
  const trustDomain = TRUST_DOMAINS[step.trustDomain] as TrustDomain;
  const fingerprint = pick(materials.get(trustDomain) ?? [], step.authority)?.authority.fingerprint;
  if (!mesh || fingerprint === undefined) return;
  const { meshId } = mesh;
  await attempt(
    adminOf(id(meshId)),
    (work) => createDistrust(work, id(meshId), { trustDomain, fingerprint, reason: "in doubt", force: step.force }),
    ({ distrustId }) => {
      reached("distrusted");
      model.distrusts.push({ distrustId, meshId, trustDomain, fingerprint, lifted: false });
    },
  );
}

async function lift({ model, attempt, reached }: World, step: Of<"lift">): Promise<void> {
  const meant = pick(model.distrusts, step.distrust);
  if (!meant) return;
  const { meshId, distrustId } = meant;
  await attempt(
    adminOf(id(meshId)),
    (work) => liftDistrust(work, id(meshId), distrustId),
    () => {
      reached("trusted again");
      meant.lifted = true;
    },
  );
}

/** The owner of a mesh's trust domain offers it, and the mesh accepts. */
async function transfer({ model, attempt, reached, ...world }: World, step: Of<"transfer">): Promise<void> {
  const mesh = pick(present({ model, attempt, reached, ...world }), step.mesh);
  const owner = mesh && model.owners.get(mesh.trustDomain);
  if (!mesh || !owner) return;
  const { meshId } = mesh;
  const name = mesh.trustDomain as TrustDomain;
  const asked = { meshId: id(meshId), reason: null };
  const both = adminOf(id(owner), id(meshId));
  await attempt(
    both,
    async (work) => {
      const { transferId } = (await offerTransfer(work, both, name, asked)).transfer;
      const decided = { ...asked, decision: "accept" as const };
      await decideTransfer(work, both, { name, transferId }, decided);
    },
    () => {
      reached("transferred");
      model.owners.set(name, meshId);
    },
  );
}

async function suspend({ model, attempt, reached, ...world }: World, step: Of<"suspend">): Promise<void> {
  const all = present({ model, attempt, reached, ...world });
  // One that is suspended can be meant either way: it is refused to suspend it again.
  const mesh = pick(step.on ? all : all.filter(({ meshId }) => model.suspended.has(meshId)), step.mesh);
  if (!mesh) return;
  const { meshId } = mesh;
  await attempt(
    operator,
    async (work) => {
      if (step.on) await suspendMesh(work, id(meshId), parseText("a law's reason", ""));
      else await endSuspension(work, id(meshId));
    },
    () => {
      reached(step.on ? "suspended" : "a suspension ended");
      if (step.on) model.suspended.add(meshId);
      else model.suspended.delete(meshId);
    },
  );
}

async function remove(world: World, step: Of<"delete">): Promise<void> {
  const mesh = pick(present(world), step.mesh);
  if (!mesh) return;
  const { meshId, trustDomain } = mesh;
  const { model } = world;
  await world.attempt(
    operator,
    (work) => deleteMesh(work, operator, id(meshId), { withdraw: step.withdraw, force: true }),
    () => {
      world.reached("deleted");
      mesh.deleted = true;
      for (const poller of world.pollers) if (poller.meshId === meshId) poller.revoked = true;
      if (model.owners.get(trustDomain) !== meshId) return;
      model.owners.set(trustDomain, null);
      model.public.delete(trustDomain);
    },
  );
}
