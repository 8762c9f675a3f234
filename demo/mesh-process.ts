import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { cleanEnvironment } from "./environment.ts";
import type { ActMessage, MeshActs, ReplyMessage } from "./mesh/acts.ts";
import type { MeshProfile } from "./mesh/profile.ts";
import type { Callee } from "./mesh/workloads.ts";

/** A mesh that runs as a process of its own. */
export interface MeshProcess extends MeshProfile {
  readonly callee: Callee;
  /** The certificate of the CA it started with. */
  readonly rootPem: string;
  /** @throws {Error} with the mesh's own words when it cannot do it */
  ask<A extends keyof MeshActs>(act: A, asked: Parameters<MeshActs[A]>[0]): Promise<ReturnType<MeshActs[A]>>;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(problem: Error): void;
}

export async function startMesh(profile: MeshProfile, started: (child: ChildProcess) => void): Promise<MeshProcess> {
  const child = fork(join(import.meta.dirname, "mesh.ts"), [JSON.stringify(profile)], { env: cleanEnvironment() });
  started(child);
  const waiting = new Map<number, Waiting>();
  let asked = 0;
  child.on("message", (reply: ReplyMessage) => {
    const one = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("problem" in reply) one?.reject(new Error(`${profile.meshId}: ${reply.problem}`));
    else one?.resolve(reply.value);
  });
  child.on("exit", () => {
    for (const one of waiting.values()) one.reject(new Error(`the process of ${profile.meshId} has ended`));
  });
  const ask: MeshProcess["ask"] = (act, what) =>
    new Promise((resolve, reject) => {
      asked += 1;
      waiting.set(asked, { resolve: resolve as Waiting["resolve"], reject });
      child.send({ id: asked, act, asked: what } satisfies ActMessage);
    });
  return { ...profile, ...(await ask("describe", {})), ask };
}
