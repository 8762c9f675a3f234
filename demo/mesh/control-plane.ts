import { type Endpoint, type Fetched, fetchBundle, rootsIn } from "./fetch-bundle.ts";
import type { MeshProfile } from "./profile.ts";
import type { Trust } from "./workloads.ts";

/** What one poll brought. */
export interface PollResult extends Omit<Fetched, "document"> {
  /** Null where no bundle came. */
  readonly keys: number | null;
  readonly sequence: number | null;
}

/** What polls for a mesh and holds what came, each trust domain's roots apart (R54). */
export interface ControlPlane {
  readonly trust: Trust;
  configure(endpoint: Endpoint): void;
  /** Polls now. From the first bundle on it polls again by itself, as often as the bundle's hint says (R51). */
  poll(trustDomain: string): Promise<PollResult>;
  /** Trusts roots that nobody served, as a stranger does who has found them somewhere. */
  trustByHand(trustDomain: string, roots: readonly string[]): void;
}

const MS = 1_000;

export function controlPlane({ dialect }: Pick<MeshProfile, "dialect">, trustChanged: () => void): ControlPlane {
  const held = new Map<string, readonly string[]>();
  const timers = new Map<string, NodeJS.Timeout>();
  let endpoint: Endpoint | undefined;

  async function poll(trustDomain: string): Promise<PollResult> {
    if (!endpoint) throw new Error("the poller is not configured");
    const { document, ...fetched } = await fetchBundle(endpoint, trustDomain);
    if (document) {
      held.set(trustDomain, rootsIn(document));
      trustChanged();
      pollAgain(trustDomain, document.spiffe_refresh_hint);
    } else if (dialect === "istio" && held.delete(trustDomain)) {
      // istiod drops a peer's roots when one fetch fails; SPIRE keeps what it has.
      trustChanged();
    }
    return { ...fetched, keys: document?.keys.length ?? null, sequence: document?.spiffe_sequence ?? null };
  }

  function pollAgain(trustDomain: string, afterSeconds: number): void {
    clearTimeout(timers.get(trustDomain));
    const again = () => poll(trustDomain).catch(() => pollAgain(trustDomain, afterSeconds));
    timers.set(trustDomain, setTimeout(again, afterSeconds * MS));
  }

  return {
    trust: {
      of: (trustDomain) => held.get(trustDomain) ?? [],
      all: () => [...held.values()].flat(),
    },
    configure(given) {
      endpoint = given;
    },
    poll,
    trustByHand(trustDomain, roots) {
      held.set(trustDomain, roots);
      trustChanged();
    },
  };
}
