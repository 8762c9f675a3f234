import type { OpenIdentity } from "../features/broker.ts";
import { issuingCaPem, readBrokerCas, takeDueStep } from "../features/broker-ca/broker-ca.service.ts";
import { pemOfCas } from "../features/broker-ca/broker-ca.ts";
import { type BrokerAuthority, openBrokerAuthority } from "../identity/broker-authority.ts";
import { spreadMs } from "../identity/ca-rollover.ts";
import type { Randomness } from "../randomness.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import { clockActor } from "../store/event.ts";
import type { Database } from "../store/tables.ts";
import type { UnitOfWork } from "../store/unit-of-work.ts";
import { type Clock, clockSetBy, MINUTE_MS, SECOND_MS } from "../time.ts";
import type { Timers } from "../timers.ts";

/** What the keeper of the broker's CA works with. */
interface CaKeeperParts {
  readonly db: Database;
  readonly unitOfWork: UnitOfWork;
  readonly identity: OpenIdentity;
  readonly trustDomain: TrustDomain;
  readonly clock: Clock;
  /** Milliseconds that no setting of the clock changes. */
  readonly monotonic: () => number;
  readonly random: Randomness;
  /** The CA that this process issues by when the keeper begins. */
  readonly authority: BrokerAuthority;
  /** Another CA issues from now on: here, or on another server of the database. */
  readonly onAuthority: (authority: BrokerAuthority) => void;
  /** PEM of every CA that verifies the listeners, now and after the next step; told at the start and when it changes. */
  readonly onCas: (pem: string) => void;
}

export interface CaKeeper {
  stop(): Promise<void>;
}

/** A step is no later than this after its time, nor is what it changes in the files. */
const LOOK_EVERY_MS = 5 * SECOND_MS;

/** Takes the steps of a roll-over when they are due, and follows those that others take. */
export async function keepBrokerCa(
  parts: CaKeeperParts & { readonly timers: Timers; readonly onError: (error: unknown) => void },
): Promise<CaKeeper> {
  const { look, follow } = caLook(parts);
  await follow();
  let running = Promise.resolve();
  let cancel = (): void => {};
  let stopped = false;
  const again = (): void => {
    if (stopped) return;
    cancel = parts.timers.after(LOOK_EVERY_MS, () => {
      running = look().catch(parts.onError).finally(again);
    });
  };
  again();
  return {
    async stop() {
      stopped = true;
      cancel();
      await running;
    },
  };
}

/** One look at the clock and at the store, to be taken again and again; `follow` is its second half alone. */
function caLook(parts: CaKeeperParts): { look(): Promise<void>; follow(): Promise<void> } {
  const { db, unitOfWork, clock, monotonic, random, trustDomain, identity } = parts;
  let issuing = parts.authority.certificatePem;
  let told = "";
  let seen = { at: clock(), mono: monotonic() };
  let heldUntil = Number.NEGATIVE_INFINITY;

  /** L6: what a clock says that was set ahead has not passed for those who poll. They have their time again before a step. */
  const isHeld = (waitMs: number): boolean => {
    const now = { at: clock(), mono: monotonic() };
    const isAhead = clockSetBy(seen, now) > MINUTE_MS;
    if (isAhead) heldUntil = now.mono + waitMs;
    // Small steps ahead add up over a minute.
    if (isAhead || now.mono - seen.mono >= MINUTE_MS) seen = now;
    return now.mono < heldUntil;
  };

  async function follow(): Promise<void> {
    const work = { tx: db, now: clock(), random };
    const stores = await identity(work);
    const pem = await stores.certificates.load();
    if (pem !== undefined && pem !== issuing) {
      const remembered = () => issuingCaPem(work, { trustDomain, identity });
      const authority = await openBrokerAuthority({ ...stores, ...work, trustDomain, remembered });
      parts.onAuthority(authority);
      issuing = pem;
    }
    const cas = pemOfCas(await readBrokerCas(db, trustDomain));
    if (cas !== told) parts.onCas(cas);
    told = cas;
  }

  return {
    async look() {
      const { next, refreshHintSeconds } = await readBrokerCas(db, trustDomain);
      if (!isHeld(spreadMs(refreshHintSeconds)) && next && next.at <= clock())
        await unitOfWork.run(clockActor, (work) => takeDueStep(work, { trustDomain, identity }));
      await follow();
    },
    follow,
  };
}
