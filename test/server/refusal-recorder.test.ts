import { expect, it } from "vitest";
import { Refusal } from "../../src/errors.ts";
import { tokenCaller } from "../../src/features/access/caller.ts";
import { refusalTally } from "../../src/features/audit/refusals.ts";
import type { ChangeEndpoint } from "../../src/http/endpoint.ts";
import { refusalRecorder } from "../../src/server/refusal-recorder.ts";
import type { UnitOfWork } from "../../src/store/unit-of-work.ts";

it("S70: a refusal that the database did not take is counted, and told with the others when it takes them again", async () => {
  const told: unknown[] = [];
  let isAway = true;
  const unitOfWork = {
    async run(_actor: unknown, change: (work: unknown) => Promise<unknown>) {
      if (isAway) throw new Refusal("storage-unavailable", "away");
      await change({ record: ({ fields }: { fields: unknown }) => told.push(fields) });
    },
  } as UnitOfWork;
  const errors: unknown[] = [];
  const recorder = refusalRecorder({
    unitOfWork,
    tally: refusalTally(),
    clock: () => 0,
    counters: () => ({ replies404: 0, replies405: 0, replies429: 0, malformedRequests: 0 }) as never,
    onError: (error) => errors.push(error),
  });
  const caller = tokenCaller("tok_1", "mesh-admin", [], { source: "127.0.0.1", requestId: "req_1" });
  const endpoint = { method: "PATCH", operationId: "changeMesh" } as ChangeEndpoint;
  const refused = () =>
    recorder.refused({ endpoint, caller, meshId: undefined }, new Refusal("not-found", "no such mesh"));
  await refused();
  await refused();
  expect(errors).toHaveLength(2);
  isAway = false;
  await recorder.stop();
  expect(told).toEqual([{ unrecorded: 2 }]);
});
