import type { CertificateStore } from "../identity/broker-authority.ts";
import type { SealedKeyRows } from "../identity/sealed-key-store.ts";
import {
  deleteSealedKeys,
  insertSealedKey,
  insertSharedCertificate,
  newestSealedKey,
  sealedKeyNames,
  sharedCertificate,
} from "../store/shared-identity.ts";
import type { Work } from "../store/unit-of-work.ts";

type Within = Pick<Work, "tx" | "now">;

/** The broker's CA certificate in the database that its servers share. */
export const sharedCertificates = ({ tx, now }: Within): CertificateStore => ({
  place: "the table broker_certificate",
  // The statements of docs/postgresql.md: a table that is dropped no migration brings back.
  removal:
    'stop the servers and, as the owner of the tables, run "delete from sealed_key; delete from broker_certificate;" ' +
    "(docs/postgresql.md)",
  load: () => sharedCertificate(tx),
  save: (pem) => insertSharedCertificate(tx, pem, now),
});

/** Its sealed keys there. */
export const sharedKeys = ({ tx, now }: Within): SealedKeyRows => ({
  names: () => sealedKeyNames(tx),
  newest: (name) => newestSealedKey(tx, name),
  insert: (key) => insertSealedKey(tx, key, now),
  remove: (name) => deleteSealedKeys(tx, name),
  removeBefore: (name, generation) => deleteSealedKeys(tx, name, generation),
});
