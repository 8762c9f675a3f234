import type { LastShown, Numbers } from "./shown.ts";

/**
 * A number that was given out and that the log alone would not lead to: the clock changed what was shown while the log
 * could not say so, and came back. A process that starts in between must know it, or a sequence would fall (R16).
 */
export interface NumberAhead extends LastShown {
  readonly trustDomain: string;
  /** Whose view it is; null for what all see who see no bytes of their own. */
  readonly meshId: string | null;
}

export const isAhead = (given: Numbers, own: Numbers): boolean =>
  given.sequence > own.sequence || given.lastModifiedSeconds > own.lastModifiedSeconds;

/** The numbers ahead of the log, as they come and go. */
export interface NumbersAhead {
  /** What was given out before this process; undefined once something was shown since. */
  remembered(meshId: string | null, trustDomain: string): LastShown | null;
  /** Notes what is shown now, or that it is what the log leads to (null). */
  note(meshId: string | null, trustDomain: string, ahead: LastShown | null): void;
  /** Hands all of them to `onChange` if any changed since: before anybody can be shown one. */
  keep(): void;
}

export function numbersAhead(
  known: readonly NumberAhead[],
  onChange: (all: readonly NumberAhead[]) => void,
): NumbersAhead {
  const keyOf = (meshId: string | null, trustDomain: string) => `${meshId ?? ""} ${trustDomain}`;
  const all = new Map(known.map((ahead) => [keyOf(ahead.meshId, ahead.trustDomain), ahead]));
  let changed = false;
  return {
    remembered: (meshId, trustDomain) => all.get(keyOf(meshId, trustDomain)) ?? null,
    note(meshId, trustDomain, ahead) {
      const key = keyOf(meshId, trustDomain);
      const before = all.get(key);
      if (ahead === null) {
        if (all.delete(key)) changed = true;
        return;
      }
      const { sequence, lastModifiedSeconds, content } = ahead;
      if (before?.sequence === sequence && before.lastModifiedSeconds === lastModifiedSeconds) return;
      all.set(key, { meshId, trustDomain, sequence, lastModifiedSeconds, content });
      changed = true;
    },
    keep() {
      if (!changed) return;
      changed = false;
      onChange([...all.values()]);
    },
  };
}
