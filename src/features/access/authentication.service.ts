import { Refusal } from "../../errors.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { EpochMs } from "../../time.ts";
import { type Caller, invitationCaller, type Origin, type TokenCaller, tokenCaller } from "./caller.ts";
import { findInvitation, findInvitationSecret } from "./invitation.store.ts";
import { isUsable } from "./invitation.ts";
import { matchesHash, readSecret, type Secret } from "./secret.ts";
import { findToken, findTokenLife, findTokenSecret } from "./token.store.ts";
import { isValid } from "./token.ts";

const BEARER = /^Bearer ([!-~]+)$/i;

/** One answer to every credential that does not hold: unknown, expired, revoked, malformed, spent (S25). */
const unauthenticated = (): Refusal => new Refusal("unauthenticated", "send a valid bearer token");

/**
 * Who makes a request, by its `Authorization` header and nothing else (S25). A capability URL's token has another
 * form and is never a bearer.
 * @throws {Refusal} `unauthenticated`
 */
export async function authenticate(
  db: Executor,
  header: string | undefined,
  origin: Origin,
  now: EpochMs,
  /** Takes a spent invitation too: whatever it asks for must be the replay of what it was spent on (L19). */
  replaying = false,
): Promise<Caller> {
  const bearer = BEARER.exec(header ?? "")?.[1];
  const secret = bearer === undefined ? undefined : readSecret(bearer);
  const caller = secret && (await bySecret(db, secret, origin, now, replaying));
  if (!caller) throw unauthenticated();
  return caller;
}

/**
 * That the actor of a unit of work may still act: a credential can end between a request's head and its body.
 * @throws {Refusal} `unauthenticated`
 */
export async function requireValidActor({ tx, actor, now }: Pick<Work, "tx" | "actor" | "now">): Promise<void> {
  if (actor.kind === "broker") return;
  if (actor.kind === "invitation") {
    const invitation = await findInvitation(tx, actor.id);
    // A spent one does nothing but replay: perform-change.ts sees to it.
    if (!invitation || !isUsable(invitation, now, true)) throw unauthenticated();
    return;
  }
  const token = await findTokenLife(tx, actor.id);
  if (!token || !isValid(token, now)) throw unauthenticated();
}

/**
 * That what is being read to a token may be read on: it holds, and has lost none of the meshes that it spoke for (S26).
 * @throws {Refusal} `unauthenticated`
 */
export async function requireValidReader(db: Executor, reader: TokenCaller, now: EpochMs): Promise<void> {
  const token = await findToken(db, reader.id);
  const isSame = token?.meshes.length === reader.meshes.length;
  if (!token || !isValid(token, now) || !isSame) throw unauthenticated();
}

async function bySecret(
  db: Executor,
  secret: Secret,
  origin: Origin,
  now: EpochMs,
  replaying: boolean,
): Promise<Caller | undefined> {
  if (secret.kind === "tok") return byToken(db, secret, origin, now);
  if (secret.kind === "inv") return byInvitation(db, secret, origin, now, replaying);
  return undefined;
}

async function byToken(db: Executor, secret: Secret, origin: Origin, now: EpochMs): Promise<Caller | undefined> {
  const found = await findTokenSecret(db, secret.id);
  if (!matchesHash(secret.secret, found?.secretHash) || !found || !isValid(found, now)) return undefined;
  const token = await found.token();
  return token && tokenCaller(token.tokenId, token.role, token.meshes, origin);
}

async function byInvitation(
  db: Executor,
  secret: Secret,
  origin: Origin,
  now: EpochMs,
  replaying: boolean,
): Promise<Caller | undefined> {
  const found = await findInvitationSecret(db, secret.id);
  if (!matchesHash(secret.secret, found?.secretHash) || !found) return undefined;
  return isUsable(found.invitation, now, replaying) ? invitationCaller(found.invitation, origin) : undefined;
}
