import type { EpochMs } from "../time.ts";
import type { PollerInput, PublicationChange } from "./publication-inputs.ts";

/** The unrevoked pollers, by the hash of their token and by ID. */
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
    byHash.delete(poller.tokenHash);
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
        byHash.set(poller.tokenHash, poller);
      }
    },
    ofToken(tokenHash, now) {
      const poller = byHash.get(tokenHash);
      return poller !== undefined && lives(poller, now) ? poller : undefined;
    },
    isLive(pollerId, now) {
      const poller = byId.get(pollerId);
      return poller !== undefined && lives(poller, now);
    },
  };
}

const lives = ({ expiresAt }: PollerInput, now: EpochMs): boolean => expiresAt === null || now < expiresAt;
