import type { Client, Input, List } from "./operation.ts";

interface Page {
  readonly next?: string;
}

type ItemOf<A, K extends keyof A> = A[K] extends readonly (infer Item)[] ? Item : never;

/**
 * Every item of a list, over its pages, which are read as they are needed.
 * @throws {ProblemError} the broker refused a page
 */
export async function* itemsOf<I extends Input, A extends Page, K extends keyof A>(
  client: Client,
  list: List<I, A, K>,
  input: I,
): AsyncGenerator<ItemOf<A, K>> {
  for (let cursor: string | undefined; ; ) {
    const asked = cursor === undefined ? input : { ...input, query: { ...input.query, cursor } };
    const { body } = await list(client, asked);
    yield* body[list.plural] as readonly ItemOf<A, K>[];
    if (body.next === undefined) return;
    cursor = body.next;
  }
}
