import { ProblemError } from "../src/client/problem-error.ts";
import type { ErrorCode } from "../src/client/schemas.ts";
import type { Api, ApiRequest } from "./api.ts";
import type { RunningBroker } from "./broker-process.ts";
import { curlLine, pollLine } from "./curl.ts";
import type { PollResult } from "./mesh/control-plane.ts";
import type { MeshProfile } from "./mesh/profile.ts";
import type { Callee } from "./mesh/workloads.ts";
import type { MeshProcess } from "./mesh-process.ts";
import type { SecretName, Secrets } from "./secrets.ts";
import type { Stage } from "./stage.ts";

/** What the chapters share. */
export interface World {
  readonly stage: Stage;
  readonly secrets: Secrets;
  readonly broker: RunningBroker;
  readonly api: Api;
  /** The broker's own roots, for those who poll with https_spiffe. */
  readonly brokerRoots: readonly string[];
  startMesh(profile: MeshProfile): Promise<MeshProcess>;
}

const variable = (meshId: string): string => meshId.toUpperCase().replaceAll("-", "_");
export const tokenOf = ({ meshId }: Pick<MeshProfile, "meshId">): SecretName => `${variable(meshId)}_TOKEN`;
export const pollerOf = ({ meshId }: Pick<MeshProfile, "meshId">): SecretName => `${variable(meshId)}_POLLER`;
export const invitationOf = ({ meshId }: Pick<MeshProfile, "meshId">): SecretName => `${variable(meshId)}_INVITATION`;

/**
 * A step that is one request to the admin API, which is done. What came of it is the status, and what `tell` says of the
 * answer.
 * @throws {ProblemError} when it is refused: the story cannot go on
 */
export function ask<A>(
  { stage, api }: Pick<World, "stage" | "api">,
  title: string,
  request: ApiRequest<A>,
  expected: string,
  tell: (body: A) => string = () => "",
): Promise<A> {
  return stage.step({
    title,
    command: curlLine(request),
    expected,
    async act() {
      const { status, body } = await api(request);
      return { actual: `${status} ${tell(body)}`.trim(), value: body };
    },
  });
}

/** A step that is one request to the admin API, which is refused. What came of it is the status and the code. */
export function askInVain(
  { stage, api }: Pick<World, "stage" | "api">,
  title: string,
  request: ApiRequest<unknown>,
  expected: `${number} ${ErrorCode}`,
): Promise<void> {
  return stage.step({
    title,
    command: curlLine(request),
    expected,
    async act() {
      try {
        return { actual: String((await api(request)).status), value: undefined };
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        return { actual: `${error.status} ${error.code}`, value: undefined };
      }
    },
  });
}

/** A request that a later step depends on, without a step of its own. @throws {ProblemError} when it is refused */
export const done = async <A>({ api }: Pick<World, "api">, request: ApiRequest<A>): Promise<A> =>
  (await api(request)).body;

/** A step that is one poll by a mesh's control plane. */
export function poll(
  { stage }: Pick<World, "stage">,
  title: string,
  mesh: MeshProcess,
  trustDomain: string,
  expected: string,
): Promise<PollResult> {
  const istio = mesh.dialect === "istio";
  return stage.step({
    title,
    command: pollLine(istio ? "WEB" : "SPIFFE", pollerOf(mesh), istio ? `${trustDomain}/istio` : trustDomain),
    expected,
    async act() {
      const result = await mesh.ask("poll", { trustDomain });
      const { status, code, keys, sequence, servedBy } = result;
      const what =
        keys === null ? (code ?? "") : keys === 1 ? "1 root" : keys === 0 ? "an empty bundle" : `${keys} roots`;
      return {
        actual: `${status} ${what}`,
        note: sequence === null ? `from ${servedBy}` : `sequence ${sequence}, from ${servedBy}`,
        value: result,
      };
    },
  });
}

/** A step that is one mutual-TLS call from a mesh's workload to another's; `as` is whom the caller claims to be. */
export function call(
  { stage }: Pick<World, "stage">,
  title: string,
  from: MeshProcess,
  to: Callee,
  expected: "answered" | "refused",
  as?: string,
): Promise<void> {
  return stage.step({
    title,
    expected,
    async act() {
      const { answered, reason } = await (as === undefined
        ? from.ask("call", { callee: to })
        : from.ask("callAs", { callee: to, spiffeId: as }));
      const note = answered ? `spiffe://${from.trustDomain}${from.client} to ${to.spiffeId}` : reason;
      return { actual: answered ? "answered" : "refused", note, value: undefined };
    },
  });
}
