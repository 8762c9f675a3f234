import { Refusal } from "../../errors.ts";
import { caKeyName, nameOfCaKey, newBrokerAuthority } from "../../identity/broker-authority.ts";
import { dueStep, isUnderWay, nextStep } from "../../identity/ca-rollover.ts";
import { x509Authority } from "../../pki/authority-profile.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EventType, Subject } from "../../store/event.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { contribute, livingContributions, moveContribution } from "../authorities/authority.service.ts";
import type { Contribution } from "../authorities/contribution.ts";
import type { Broker } from "../broker.ts";
import { trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { type BrokerCa, type BrokerCas, brokerCaOf, pemOfCa } from "./broker-ca.ts";

const sourceOf = (trustDomain: TrustDomain) => ({ kind: "broker", id: trustDomain }) as const;

export async function readBrokerCas(db: Executor, trustDomain: TrustDomain): Promise<BrokerCas> {
  const record = await trustDomainNamed(db, trustDomain);
  if (!record) throw new Error(`the broker's own trust domain ${trustDomain} is not in the database`);
  const { refreshHintSeconds } = record;
  const living = await livingContributions(db, sourceOf(trustDomain));
  const cas = living.flatMap(brokerCaOf).toSorted((a, b) => b.contribution.createdAt - a.contribution.createdAt);
  return { refreshHintSeconds, cas, next: nextStep(cas, refreshHintSeconds) };
}

/** PEM of the CA that issues, of those whose key is there. */
export async function issuingCaPem(
  work: Pick<Work, "tx" | "now" | "random">,
  { trustDomain, identity }: Pick<Broker, "trustDomain" | "identity">,
): Promise<string | undefined> {
  if (!(await trustDomainNamed(work.tx, trustDomain))) return undefined;
  const { keys } = await identity(work);
  for (const ca of (await readBrokerCas(work.tx, trustDomain)).cas)
    if (ca.state === "active" && (await nameOfCaKey(keys, ca.authority.keyFingerprint))) return pemOfCa(ca);
  return undefined;
}

type OfBroker = Pick<Broker, "trustDomain" | "identity">;

/**
 * Begins a roll-over: a new CA is published beside the one that issues. The rest follows by the clock (`takeDueStep`).
 * @throws {Refusal} `ca-rollover-under-way`
 */
export async function startRollover(work: Work, broker: OfBroker, reason: string | null): Promise<void> {
  const { trustDomain } = broker;
  if (isUnderWay((await readBrokerCas(work.tx, trustDomain)).cas))
    throw new Refusal("ca-rollover-under-way", `a roll-over of ${trustDomain} is under way`);
  const { keys } = await broker.identity(work);
  const made = newBrokerAuthority({ keys, trustDomain, now: work.now, random: work.random });
  const { authority } = x509Authority(made.certificate.der, trustDomain, work.now);
  const contribution = await contribute(work, {
    source: sourceOf(trustDomain),
    trustDomain,
    authority,
    state: "prepared",
  });
  say(work, "broker.ca-rollover-started", [contribution], { fingerprint: authority.fingerprint, reason });
  work.touched.bundle(trustDomain);
  work.beforeCommit(() => keys.keep(caKeyName(authority.keyFingerprint), made.key));
}

/** Takes the step that is due, if any: looked at again here, as another server may have taken it. */
export async function takeDueStep(work: Work, broker: OfBroker): Promise<void> {
  const { cas, refreshHintSeconds } = await readBrokerCas(work.tx, broker.trustDomain);
  const step = dueStep(cas, refreshHintSeconds, work.now);
  if (step?.kind === "start") await startRollover(work, broker, "less than a third of the CA's life is left");
  else if (step?.kind === "activate") await activate(work, broker, step.ca, cas);
  else if (step?.kind === "retire") await retire(work, broker, step.ca, cas);
}

async function activate(work: Work, broker: OfBroker, next: BrokerCa, cas: readonly BrokerCa[]): Promise<void> {
  const { keys, certificates } = await broker.identity(work);
  const { fingerprint, keyFingerprint } = next.authority;
  if (!(await nameOfCaKey(keys, keyFingerprint))) {
    await moveContribution(work, next.contribution, "retired", null);
    say(work, "broker.ca-retired", [next.contribution], { fingerprint, reason: "its key is lost" });
    return;
  }
  const former = cas.filter(({ state }) => state === "active").map(({ contribution }) => contribution);
  await moveContribution(work, next.contribution, "active", null);
  for (const one of former) await moveContribution(work, one, "retiring", null);
  say(work, "broker.ca-activated", [next.contribution, ...former], { fingerprint });
  work.beforeCommit(() => certificates.save(pemOfCa(next)));
}

async function retire(work: Work, broker: OfBroker, ca: BrokerCa, cas: readonly BrokerCa[]): Promise<void> {
  const { keys } = await broker.identity(work);
  const { fingerprint, keyFingerprint } = ca.authority;
  await moveContribution(work, ca.contribution, "retired", null);
  say(work, "broker.ca-retired", [ca.contribution], { fingerprint });
  const isShared = cas.some((other) => other !== ca && other.authority.keyFingerprint === keyFingerprint);
  const name = isShared ? undefined : await nameOfCaKey(keys, keyFingerprint);
  if (name !== undefined) work.beforeCommit(() => keys.remove(name));
}

function say(
  work: Work,
  type: EventType,
  about: readonly Contribution[],
  fields: { readonly fingerprint: string; readonly reason?: string | null },
): void {
  const subjects = about.flatMap(({ known }): Subject[] => [
    `trust-domain/${known.trustDomain}`,
    `authority/${known.authorityId}`,
  ]);
  work.record({ type, subjects, fields });
}
