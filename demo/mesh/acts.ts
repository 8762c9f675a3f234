import type { PollResult } from "./control-plane.ts";
import type { Endpoint } from "./fetch-bundle.ts";
import type { CallCount } from "./steady-calls.ts";
import type { Callee, CallResult } from "./workloads.ts";

/** What a mesh's process does when it is told to: each a message in and a message out. */
export interface MeshActs {
  /** Its CA's certificate, and where its workload is called. */
  describe(asked: Record<string, never>): { readonly rootPem: string; readonly callee: Callee };
  /** Makes the mesh's next CA beside the one in use; returns its certificate. */
  makeNextAuthority(asked: Record<string, never>): { readonly rootPem: string };
  /** Workloads get SVIDs of the next CA, and the one before signs no more. */
  issueFromNext(asked: Record<string, never>): { readonly issued: number };
  /** An SVID of its workload: the certificate, and the key that nobody else may have. */
  showSvid(asked: Record<string, never>): { readonly certificatePem: string; readonly keyPem: string };
  configurePoller(asked: { readonly endpoint: Endpoint }): { readonly configured: true };
  poll(asked: { readonly trustDomain: string }): PollResult;
  /** Trusts these roots for a trust domain without any bundle: what a stranger does. */
  trustByHand(asked: { readonly trustDomain: string; readonly roots: readonly string[] }): { readonly trusted: number };
  call(asked: { readonly callee: Callee }): CallResult;
  /** Calls with an SVID of its own CA that names somebody else. */
  callAs(asked: { readonly callee: Callee; readonly spiffeId: string }): CallResult;
  startCalls(asked: { readonly callee: Callee; readonly everyMs: number }): { readonly started: true };
  stopCalls(asked: Record<string, never>): CallCount;
}

export interface ActMessage {
  readonly id: number;
  readonly act: keyof MeshActs;
  readonly asked: unknown;
}

export type ReplyMessage =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly problem: string };
