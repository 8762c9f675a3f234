import { Refusal } from "../../errors.ts";
import { type Subject, systemActor } from "../../store/event.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { FreeText } from "../../text.ts";
import { type EpochMs, SECOND_MS, toRfc3339 } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { isMeshThere } from "../meshes/mesh-lookup.service.ts";
import { notFound, requireReach, type TokenCaller } from "./caller.ts";
import { type Role, reaches, type Scope } from "./role.ts";
import { newSecret } from "./secret.ts";
import {
  countUsableTokens,
  deleteTokenMesh,
  findToken,
  hasOperatorToken,
  hasValidAdminToken,
  insertToken,
  listTokens,
  markTokenRevoked,
  noteTokensUsed,
  setTokenExpiry,
  tokenExpiries,
  tokensExpiring,
  unrevokedTokensOf,
} from "./token.store.ts";
import { checkTokenRights, isValid, type Token } from "./token.ts";

export { hasOperatorToken, listTokens, noteTokensUsed, tokenExpiries };

/** How many usable tokens speak for a mesh. */
export const countTokensOf = ({ tx, now }: Work, meshId: MeshId): Promise<number> => countUsableTokens(tx, meshId, now);

/** How long tokens live: what is taken when nothing is asked, and the most that may be asked for (S26). */
export interface TokenLives {
  readonly defaultSeconds: number;
  readonly maxSeconds: number;
}

export interface NewToken {
  readonly name: FreeText;
  readonly role: Role;
  readonly meshes: readonly MeshId[];
  readonly expiresInSeconds: number;
}

/**
 * A caller makes a token; the secret is in the answer and nowhere else.
 * @throws {Refusal} `not-found` for a mesh it does not reach, `wider-rights`, `admin-token-exists`, `invalid-request`
 */
export async function createToken(
  work: Work,
  caller: TokenCaller,
  asked: NewToken,
  lives: TokenLives,
): Promise<{ token: Token; secret: string }> {
  for (const [index, meshId] of asked.meshes.entries()) {
    requireReach(caller, meshId, `/meshes/${index}`);
    if (!(await isMeshThere(work.tx, meshId))) throw notFound(`/meshes/${index}`);
  }
  checkTokenRights(caller, asked, await hasValidAdminToken(work.tx, asked.meshes, work.now));
  if (asked.expiresInSeconds > lives.maxSeconds) {
    throw new Refusal("invalid-request", `a token lives ${lives.maxSeconds} seconds at most`, {
      pointer: "/expiresInSeconds",
    });
  }
  return issueToken(work, asked);
}

/** Makes a token for whoever a rule has found entitled to it: a spent invitation's mesh, or the first operator (S27). */
export async function issueToken(work: Work, asked: NewToken): Promise<{ token: Token; secret: string }> {
  const { id, text, hash } = newSecret(work.random, "tok");
  const token: Token = {
    tokenId: id,
    name: asked.name,
    role: asked.role,
    meshes: [...new Set(asked.meshes)].sort(),
    createdAt: work.now,
    createdBy: work.actor.id,
    expiresAt: work.now + asked.expiresInSeconds * SECOND_MS,
    lifeSeconds: asked.expiresInSeconds,
    revokedAt: null,
    lastUsedAt: null,
  };
  await insertToken(work.tx, token, hash);
  work.record({
    type: "token.created",
    subjects: subjectsOf(token),
    ...byItsOnlyMesh(work, token),
    fields: { name: token.name, role: token.role, expiresAt: toRfc3339(token.expiresAt) },
    after: token,
  });
  return { token, secret: text };
}

/**
 * Another secret in place of one that may never have arrived: of the token that this actor made for a mesh, while nobody
 * has used it (L19). Undefined where it was used: whoever has it rotates it.
 */
export async function reissueUnusedToken(
  work: Work,
  meshId: MeshId,
  expiresInSeconds: number,
): Promise<{ token: Token; secret: string } | undefined> {
  const made = (await unrevokedTokensOf(work.tx, meshId)).find(
    (token) => speaksForOneMesh(token) && token.createdBy === work.actor.id,
  );
  if (!made || made.lastUsedAt !== null) return undefined;
  await endToken(work, made);
  return issueToken(work, { name: made.name, role: made.role, meshes: made.meshes, expiresInSeconds });
}

/**
 * A token as the people of a mesh may see it that it speaks for, alone or among others.
 * @throws {Refusal} `not-found`
 */
export async function readToken(db: Executor, scope: Scope, tokenId: string): Promise<Token> {
  const token = await findToken(db, tokenId);
  const visible = token && (scope.all || token.meshes.some((meshId) => reaches(scope, meshId)));
  if (!token || !visible) throw notFound();
  return token;
}

/**
 * Whoever administers one of a mesh-viewer token's meshes ends it: nobody else is to say who reads that mesh.
 * @throws {Refusal} as `endableToken`
 */
export async function revokeToken(work: Work, caller: TokenCaller, tokenId: string): Promise<void> {
  await endToken(work, await endableToken(work, caller, tokenId, "revokes"));
}

/**
 * A new token of the same name, role and meshes, which lives as long as the old one was to; the old one ends after the
 * overlap, or when it would have anyway (S26).
 * @throws {Refusal} as `endableToken`
 */
export async function rotateToken(
  work: Work,
  caller: TokenCaller,
  tokenId: string,
  overlapSeconds: number,
): Promise<{ token: Token; secret: string; predecessorEndsAt: EpochMs }> {
  const before = await endableToken(work, caller, tokenId, "rotates");
  const { name, role, meshes, lifeSeconds } = before;
  const made = await issueToken(work, { name, role, meshes, expiresInSeconds: lifeSeconds });
  const expiresAt = Math.min(before.expiresAt, work.now + overlapSeconds * SECOND_MS);
  await setTokenExpiry(work.tx, tokenId, expiresAt);
  work.record({
    type: "token.rotated",
    subjects: subjectsOf(before),
    ...byItsOnlyMesh(work, before),
    fields: { name, role, successor: made.token.tokenId, expiresAt: toRfc3339(expiresAt) },
    before,
    after: { ...before, expiresAt },
  });
  return { ...made, predecessorEndsAt: expiresAt };
}

/**
 * A token that the caller may end. An operator that could end a mesh's admin token could make the "first" one anew, and
 * consent in the mesh's place; so it could where another mesh's admin ended it.
 * @throws {Refusal} `not-found`; `wider-rights` for a token that speaks for meshes which the caller does not administer,
 * but for a mesh-viewer's that it revokes; `forbidden` to an operator who would end a mesh's admin token; `already-ended`
 */
async function endableToken(
  work: Work,
  caller: TokenCaller,
  tokenId: string,
  how: "revokes" | "rotates",
): Promise<Token> {
  const token = await readToken(work.tx, caller.scope, tokenId);
  const isForOthers = !caller.scope.all && !token.meshes.every((meshId) => reaches(caller.scope, meshId));
  if (isForOthers && (how === "rotates" || token.role === "mesh-admin")) throw forOthers(token.role, how);
  if (token.role === "mesh-admin" && caller.scope.all) {
    throw new Refusal("forbidden", "only the mesh's own admin revokes or rotates a mesh-admin token (S23)");
  }
  if (!isValid(token, work.now)) throw new Refusal("already-ended", `the token ${tokenId} is revoked or expired`);
  return token;
}

function forOthers(role: Role, how: "revokes" | "rotates"): Refusal {
  const who =
    role === "mesh-admin"
      ? `only an admin of all its meshes ${how} it, itself included (S23); an operator can suspend your mesh meanwhile`
      : `only an operator ${how} it, or an admin of all its meshes`;
  return new Refusal("wider-rights", `the token speaks for meshes that you do not administer: ${who}`);
}

const speaksForOneMesh = ({ meshes }: Token): boolean => meshes.length === 1;

/**
 * A mesh that goes takes the tokens with it that speak for nobody else. The others speak for what is left of their meshes: while
 * they named one that nobody administers any more, nobody but their bearer could end them (S23).
 */
export async function takeOutOfTokens(work: Work, meshId: MeshId): Promise<void> {
  for (const token of await unrevokedTokensOf(work.tx, meshId))
    await (speaksForOneMesh(token) ? endToken(work, token) : narrowToken(work, token, meshId));
}

/**
 * The broker's own act: the people of the meshes that are left learn neither which mesh went nor who deleted it (S21), also not by
 * a digest, which they could hold against what they guess.
 */
async function narrowToken(work: Work, token: Token, meshId: MeshId): Promise<void> {
  await deleteTokenMesh(work.tx, token.tokenId, meshId);
  work.record({
    type: "token.narrowed",
    subjects: subjectsOf(token),
    actor: systemActor,
    actingMesh: null,
    fields: { name: token.name, role: token.role },
  });
}

/** Of a token for several meshes it is nobody's to say for which of them it was done. */
function byItsOnlyMesh({ actor }: Work, { meshes }: Token): { actingMesh?: string } {
  const [meshId, ...others] = meshes;
  const isOwn = meshId !== undefined && others.length === 0 && actor.adminOf?.includes(meshId);
  return isOwn ? { actingMesh: meshId } : {};
}

const subjectsOf = ({ tokenId, meshes }: Pick<Token, "tokenId" | "meshes">): Subject[] => [
  `token/${tokenId}`,
  ...meshes.map((meshId): Subject => `mesh/${meshId}`),
];

async function endToken(work: Work, token: Token): Promise<void> {
  await markTokenRevoked(work.tx, token.tokenId, work.now);
  work.record({
    type: "token.revoked",
    subjects: subjectsOf(token),
    ...byItsOnlyMesh(work, token),
    fields: { name: token.name, role: token.role },
    before: token,
  });
}

/** Says of each token that ended by the clock, after `from` and by `to`, that it did. */
export async function recordExpiredTokens(work: Work, from: EpochMs, to: EpochMs): Promise<void> {
  for (const { tokenId, meshes, name, role, expiresAt } of await tokensExpiring(work.tx, from, to)) {
    work.record({
      type: "token.expired",
      subjects: subjectsOf({ tokenId, meshes }),
      fields: { name, role, expiresAt: toRfc3339(expiresAt) },
    });
  }
}
