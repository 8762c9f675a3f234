import { Refusal } from "../../src/errors.ts";

/** The refusal that the act ends in; a test that expects one fails when it succeeds or throws anything else. */
export function refusalOf(act: () => unknown): Refusal {
  let result: unknown;
  try {
    result = act();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error(`expected a refusal, got ${String(result)}`);
}

/** `refusalOf` of an act that takes its time. */
export async function eventualRefusalOf(act: () => Promise<unknown>): Promise<Refusal> {
  const outcome = await act().then(
    (result) => () => result,
    (error: unknown) => () => {
      throw error;
    },
  );
  return refusalOf(outcome);
}
