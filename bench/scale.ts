import { generateKeyPairSync, hash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { revisionDigest } from "../src/bundle/projections.ts";
import { sequenceOf } from "../src/bundle/sequence.ts";
import { x509Authority } from "../src/pki/authority-profile.ts";
import { mintCertificate } from "../src/pki/mint.ts";
import { parseTrustDomain } from "../src/spiffe/trust-domain.ts";
import { DAY_MS } from "../src/time.ts";
import { runServer } from "./running-server.ts";

/** Start-up time and memory of a broker that knows many. */
const TRUST_DOMAINS = 10_000;
const POLLERS_EACH = 10;
const STARTS = 5;
const TARGET_SECONDS = 2;
const REFRESH_HINT_SECONDS = 300;

export async function measureScale(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "entente-bench-"));
  try {
    const empty = await startTimes(folder);
    fill(join(folder, "entente.db"));
    const full = await startTimes(folder);
    console.table({
      "a new broker": empty,
      [`${TRUST_DOMAINS} trust domains, ${TRUST_DOMAINS * POLLERS_EACH} pollers`]: full,
    });
    console.log(`start-up at scale is to be under ${TARGET_SECONDS} s, to the moment when all listeners serve`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function startTimes(folder: string) {
  const seconds: number[] = [];
  let megabytes = 0;
  for (let start = 0; start < STARTS; start++) {
    const begun = performance.now();
    const server = await runServer(folder);
    seconds.push((performance.now() - begun) / 1000);
    const status = readFileSync(`/proc/${server.process.pid}/status`, "utf8");
    megabytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    await server.stop();
  }
  seconds.sort((a, b) => a - b);
  return { "start-up s (median)": Number(seconds[STARTS >> 1]?.toFixed(2)), "resident MB": Math.round(megabytes) };
}

/** Rows as registrations would have left them; each trust domain has a CA of its own. */
function fill(path: string): void {
  const db = new BetterSqlite3(path);
  const { size } = db.prepare("select size from log_head").get() as { size: number };
  const insert = (table: string, row: Record<string, unknown>) => {
    const names = Object.keys(row);
    db.prepare(`insert into ${table} (${names.join(", ")}) values (${names.map(() => "?").join(", ")})`).run(
      ...Object.values(row),
    );
  };
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const now = Date.now();
  db.transaction(() => {
    for (let index = 0; index < TRUST_DOMAINS; index++) {
      const position = size + index + 1;
      const meshId = `mesh-${index}`;
      const trustDomain = parseTrustDomain(`${meshId}.example`);
      const subject = { commonName: meshId };
      const der = mintCertificate({
        subject,
        serial: randomBytes(16),
        notBefore: now - DAY_MS,
        notAfter: now + 365 * DAY_MS,
        publicKey: key.publicKey,
        issuer: { name: subject, privateKey: key.privateKey },
        ca: {},
        keyUsage: ["keyCertSign"],
      });
      const { authority } = x509Authority(der, trustDomain, now);
      const sequence = sequenceOf(0, position);
      insert("mesh", {
        mesh_id: meshId,
        display_name: meshId,
        dialect: "other",
        dialect_version: null,
        labels: "{}",
        listed: 1,
        registered_at: now,
        updated_at: now,
        deleted_at: null,
      });
      insert("trust_domain", {
        name: trustDomain,
        owner: meshId,
        refresh_hint_seconds: REFRESH_HINT_SECONDS,
        public: 0,
        created_at: now,
        updated_at: now,
        revision_position: position,
        next_deadline: authority.notAfter + DAY_MS,
      });
      insert("membership", { mesh_id: meshId, trust_domain: trustDomain, state: "granted", requested_at: now });
      const authorityId = `aut_${index}`;
      insert("authority", {
        authority_id: authorityId,
        trust_domain: trustDomain,
        fingerprint: authority.fingerprint,
        key_fingerprint: authority.keyFingerprint,
        type: "x509",
        not_after: authority.notAfter,
        document: JSON.stringify(authority),
        created_at: now,
      });
      insert("contribution", {
        authority_id: authorityId,
        source_kind: "mesh",
        source_id: meshId,
        trust_domain: trustDomain,
        state: "active",
        created_at: now,
        changed_at: now,
      });
      insert("revision", {
        trust_domain: trustDomain,
        position,
        sequence,
        digest: revisionDigest([authority], REFRESH_HINT_SECONDS),
        refresh_hint_seconds: REFRESH_HINT_SECONDS,
        last_modified_seconds: Math.floor(now / 1000),
        fingerprints: JSON.stringify([authority.fingerprint]),
        bundle: "",
        at: now,
        cause: "authority.contributed",
        actor: "bench",
      });
      insert("bundle_access", {
        mesh_id: meshId,
        trust_domain: trustDomain,
        state: "granted",
        position: 0,
        last_modified_seconds: 0,
        at: now,
      });
      for (let poller = 0; poller < POLLERS_EACH; poller++) {
        insert("poller", {
          poller_id: `pol_${index}_${poller}`,
          mesh_id: meshId,
          name: `poller ${poller}`,
          replicas: 1,
          token_hash: hash("sha256", `${index} ${poller}`),
          position,
          created_at: now,
        });
      }
    }
    db.prepare("update log_head set size = ?").run(size + TRUST_DOMAINS);
  })();
  db.close();
}
