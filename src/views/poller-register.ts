import type { EpochMs } from "../time.ts";
import type { PollerInput, PublicationChange } from "./publication-inputs.ts";

/** The unrevoked pollers, by the hashes of their tokens and by ID. */
export interface PollerRegister {
  apply(change: Pick<PublicationChange, "rebuild" | "pollers" | "removedPollers">): void;
  ofToken(tokenHash: string, now: EpochMs): PollerInput | undefined;
  /** Neither revoked nor expired. */
  isLive(pollerId: string, now: EpochMs): boolean;
}

export function pollerRegister(): PollerRegister {
  const byId = new Map<string, PollerInput>();
  const byHash = new Map<string, PollerInput>();

  function remove(pollerId: string): void {
    const poller = byId.get(pollerId);
    if (poller === undefined) return;
    byId.delete(pollerId);
    for (const tokenHash of hashesOf(poller)) byHash.delete(tokenHash);
  }

  return {
    apply({ rebuild, pollers, removedPollers }) {
      if (rebuild) {
        byId.clear();
        byHash.clear();
      }
      for (const pollerId of removedPollers) remove(pollerId);
      for (const poller of pollers) {
        remove(poller.pollerId);
        byId.set(poller.pollerId, poller);
        for (const tokenHash of hashesOf(poller)) byHash.set(tokenHash, poller);
      }
    },
    ofToken(tokenHash, now) {
      const poller = byHash.get(tokenHash);
      return poller !== undefined && lives(poller, now) && serves(poller, tokenHash, now) ? poller : undefined;
    },
    isLive(pollerId, now) {
      const poller = byId.get(pollerId);
      return poller !== undefined && lives(poller, now);
    },
  };
}

const hashesOf = ({ tokenHash, former = [] }: PollerInput): string[] => [
  tokenHash,
  ...former.map((replaced) => replaced.tokenHash),
];

const serves = ({ tokenHash, former = [] }: PollerInput, asked: string, now: EpochMs): boolean =>
  asked === tokenHash || former.some((replaced) => replaced.tokenHash === asked && now < replaced.endsAt);

const lives = ({ expiresAt }: PollerInput, now: EpochMs): boolean => expiresAt === null || now < expiresAt;
