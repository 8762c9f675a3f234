import { join } from "node:path";
import { writeFileDurably } from "../durable-file.ts";
import { hasOperatorToken, issueToken } from "../features/access/token.service.ts";
import { contribute, hasContributed } from "../features/authorities/authority.service.ts";
import { findBroker, initialiseBroker } from "../features/trust-domains/broker-domain.service.ts";
import type { BrokerAuthority } from "../identity/broker-authority.ts";
import { x509Authority } from "../pki/authority-profile.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import { StartRefusal } from "../start-refusal.ts";
import { systemActor } from "../store/event.ts";
import type { Database } from "../store/tables.ts";
import type { UnitOfWork, Work } from "../store/unit-of-work.ts";
import { parseText } from "../text.ts";

/**
 * That the database is of this trust domain, or of none yet.
 * @returns the generation of its sequences; 0 of a new one
 * @throws {StartRefusal} the broker's trust domain is fixed at its first start
 */
export async function checkTrustDomain(db: Database, trustDomain: TrustDomain): Promise<number> {
  const broker = await findBroker(db);
  if (broker && broker.trustDomain !== trustDomain) {
    throw new StartRefusal(
      `trustDomain is ${trustDomain}, but this database is of ${broker.trustDomain}: the broker's trust domain is fixed ` +
        "at its first start; set it back, or use another data folder",
    );
  }
  return broker?.generation ?? 0;
}

/**
 * Brings what every later start finds: the broker's own trust domain with its CA in it, and the first operator token in
 * a file readable by its owner only (S27). Each is made once.
 * @returns the path of the token file when a token was made now
 */
export async function prepareFirstStart(parts: {
  readonly db: Database;
  readonly unitOfWork: UnitOfWork;
  readonly authority: BrokerAuthority;
  readonly dataFolder: string;
  readonly refreshHintSeconds: number;
  readonly tokenSeconds: number;
}): Promise<string | undefined> {
  const { unitOfWork, authority } = parts;
  const { trustDomain } = authority;
  const known = await findBroker(parts.db);
  await unitOfWork.run(systemActor, async (work) => {
    if (!known) await initialiseBroker(work, trustDomain, parts.refreshHintSeconds);
    await contributeOwnAuthority(work, authority);
  });
  if (await hasOperatorToken(parts.db)) return undefined;
  const path = join(parts.dataFolder, "operator-token");
  await unitOfWork.run(systemActor, async (work) => {
    const { secret } = await issueToken(work, {
      name: parseText("first operator", ""),
      role: "operator",
      meshes: [],
      expiresInSeconds: parts.tokenSeconds,
    });
    // Before the commit: a token that nobody can read would lock the operator out for good.
    writeFileDurably(path, `${secret}\n`);
  });
  return path;
}

async function contributeOwnAuthority(work: Work, own: BrokerAuthority): Promise<void> {
  const { trustDomain } = own;
  const source = { kind: "broker", id: trustDomain } as const;
  if (await hasContributed(work.tx, source, trustDomain, own.certificate.fingerprint)) return;
  const { authority } = x509Authority(own.certificate.der, trustDomain, work.now);
  const { known } = await contribute(work, { source, trustDomain, authority, state: "active" });
  work.record({
    type: "authority.contributed",
    subjects: [`trust-domain/${trustDomain}`, `authority/${known.authorityId}`],
    fields: { state: "active", fingerprints: [authority.fingerprint] },
  });
  work.touched.bundle(trustDomain);
}
