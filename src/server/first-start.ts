import { join } from "node:path";
import { writeFileDurably } from "../durable-file.ts";
import { hasOperatorToken, issueToken } from "../features/access/token.service.ts";
import { contribute, contributionWith } from "../features/authorities/authority.service.ts";
import type { OpenIdentity } from "../features/broker.ts";
import { issuingCaPem } from "../features/broker-ca/broker-ca.service.ts";
import { cursorKeyOf, findBroker, initialiseBroker } from "../features/trust-domains/broker-domain.service.ts";
import {
  type BrokerAuthority,
  type CertificateStore,
  openBrokerAuthority,
  withoutCertificate,
} from "../identity/broker-authority.ts";
import { x509Authority } from "../pki/authority-profile.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import { StartRefusal } from "../start-refusal.ts";
import { systemActor } from "../store/event.ts";
import type { Executor } from "../store/tables.ts";
import type { UnitOfWork, Work } from "../store/unit-of-work.ts";
import { parseText } from "../text.ts";

/**
 * That the database is of this trust domain, or of none yet.
 * @returns the generation of its sequences; undefined of a new one
 * @throws {StartRefusal} the broker's trust domain is fixed at its first start
 */
export async function checkTrustDomain(db: Executor, trustDomain: TrustDomain): Promise<number | undefined> {
  const broker = await findBroker(db);
  if (broker && broker.trustDomain !== trustDomain) {
    throw new StartRefusal(
      `trustDomain is ${trustDomain}, but this database is of ${broker.trustDomain}: the broker's trust domain is fixed ` +
        "at its first start; set it back, or use another data folder",
    );
  }
  return broker?.generation;
}

/** The broker's identity as every start finds it. */
export interface Identity {
  readonly authority: BrokerAuthority;
  readonly cursorKey: Buffer;
}

/**
 * Brings what every later start finds: the broker's own trust domain with its CA in it, and the key of its cursors. Each
 * is made once, by one of the servers that start at once on one database.
 * @throws {StartRefusal} when the CA, its key or the trust domain is not what it was at the first start
 */
export function prepareIdentity(parts: {
  readonly unitOfWork: UnitOfWork;
  readonly identity: OpenIdentity;
  readonly trustDomain: TrustDomain;
  readonly refreshHintSeconds: number;
}): Promise<Identity> {
  const { unitOfWork, identity, trustDomain } = parts;
  return unitOfWork.run(systemActor, async (work) => {
    const isKnown = (await checkTrustDomain(work.tx, trustDomain)) !== undefined;
    const stores = await identity(work);
    const remembered = () => issuingCaPem(work, { trustDomain, identity });
    const { now, random } = work;
    const authority = await openBrokerAuthority({ ...stores, trustDomain, now, random, remembered });
    if (!isKnown) await initialiseBroker(work, trustDomain, parts.refreshHintSeconds);
    await contributeOwnAuthority(work, authority, stores.certificates);
    return { authority, cursorKey: await cursorKeyOf(work) };
  });
}

/**
 * Makes the first operator token, in a file readable by its owner only (S27); never another.
 * @returns the path of the file when the token was made now
 */
export function prepareOperatorToken(
  unitOfWork: UnitOfWork,
  dataFolder: string,
  tokenSeconds: number,
): Promise<string | undefined> {
  const path = join(dataFolder, "operator-token");
  return unitOfWork.run(systemActor, async (work) => {
    if (await hasOperatorToken(work.tx)) return undefined;
    const { secret } = await issueToken(work, {
      name: parseText("first operator", ""),
      role: "operator",
      meshes: [],
      expiresInSeconds: tokenSeconds,
    });
    // Durable before the commit: a token that nobody can read would lock the operator out for good.
    work.beforeCommit(async () => writeFileDurably(path, `${secret}\n`));
    return path;
  });
}

/** @throws {StartRefusal} where a roll-over replaced the CA: what it issued would not be trusted */
async function contributeOwnAuthority(work: Work, own: BrokerAuthority, certificates: CertificateStore): Promise<void> {
  const { trustDomain } = own;
  const source = { kind: "broker", id: trustDomain } as const;
  const contribution = await contributionWith(work.tx, source, trustDomain, own.certificate.fingerprint);
  if (contribution?.state === "retiring" || contribution?.state === "retired") {
    throw new StartRefusal(
      `${certificates.place} is of a CA that a roll-over replaced; restore the newest one with its key, or ` +
        withoutCertificate(certificates),
    );
  }
  if (contribution) return;
  const { authority } = x509Authority(own.certificate.der, trustDomain, work.now);
  const { known } = await contribute(work, { source, trustDomain, authority, state: "active" });
  work.record({
    type: "authority.contributed",
    subjects: [`trust-domain/${trustDomain}`, `authority/${known.authorityId}`],
    fields: { state: "active", fingerprints: [authority.fingerprint] },
  });
  work.touched.bundle(trustDomain);
}
