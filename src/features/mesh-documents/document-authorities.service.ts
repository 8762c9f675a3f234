import { type Identity, identityOf } from "../../bundle/upload.ts";
import type { Warning } from "../../pki/authority.ts";
import type { Work } from "../../store/unit-of-work.ts";
import {
  contributionWith,
  meshSource,
  registerAuthorities,
  requireKeyId,
  transitionAuthority,
} from "../authorities/authority.service.ts";
import { shownState } from "../authorities/contribution.ts";
import type { RegisteredMesh } from "../meshes/mesh.ts";
import { initialState, type PutAuthority, requireEachOnce, type WantedAuthority, within } from "./mesh-document.ts";

interface Found extends PutAuthority {
  readonly wanted: WantedAuthority;
  readonly place: string;
}

/**
 * Registers what the mesh does not have, then moves to its state what it has: a successor is there before the last one
 * goes.
 * @throws {Refusal} as `registerAuthorities` and `transitionAuthority`, with pointers into the document
 */
export async function putAuthorities(
  work: Work,
  mesh: RegisteredMesh,
  wanted: readonly WantedAuthority[],
): Promise<{ put: PutAuthority[]; warnings: Warning[] }> {
  const identities: Identity[] = [];
  for (const [index, { upload }] of wanted.entries())
    identities.push(await within(`/authorities/${index}`, () => identityOf(upload)));
  requireEachOnce(
    "/authorities",
    identities.map(({ fingerprint }) => fingerprint),
  );
  const found: Found[] = [];
  const warnings: Warning[] = [];
  for (const [index, one] of wanted.entries()) {
    const place = `/authorities/${index}`;
    const known = await contributionWith(
      work.tx,
      meshSource(mesh.meshId),
      mesh.trustDomain,
      identities[index]?.fingerprint ?? "",
    );
    if (known) {
      await within(`${place}/jwk`, () => requireKeyId(known.known, identities[index]?.keyId ?? null));
      found.push({ contribution: known, outcome: "unchanged", wanted: one, place });
      continue;
    }
    const register = () => registerAuthorities(work, mesh.meshId, one.upload, initialState(one.state));
    const { contributions, warnings: told } = await within(place, register);
    warnings.push(...told.map((warning) => ({ ...warning, pointer: place + warning.pointer })));
    for (const contribution of contributions) found.push({ contribution, outcome: "created", wanted: one, place });
  }
  const put: PutAuthority[] = [];
  for (const one of found) put.push(await moveTo(work, mesh, one));
  return { put, warnings };
}

async function moveTo(work: Work, { meshId }: RegisteredMesh, one: Found): Promise<PutAuthority> {
  const { contribution, wanted, place } = one;
  const to = wanted.state;
  if (to === undefined || one.outcome === "created" || shownState(contribution) === to) return one;
  const asked = { to, reason: null, force: false };
  const move = () => transitionAuthority(work, meshId, contribution.known.authorityId, asked);
  return { contribution: await within(place, move, { "/to": "/state" }), outcome: "changed" };
}
