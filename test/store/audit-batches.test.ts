import { expect, it } from "vitest";
import { eventsInBatches } from "../../src/features/audit/audit.service.ts";
import { systemRandomness } from "../../src/randomness.ts";
import { type SealedEvent, sealEvent, systemActor } from "../../src/store/event.ts";
import { appendEvents } from "../../src/store/event-log.ts";
import { migrate } from "../../src/store/migrate.ts";
import { describeOnEachEngine } from "../support/databases.ts";
import { NOON } from "../support/store-broker.ts";

const event = (position: number): SealedEvent =>
  sealEvent(
    { type: "mesh.updated", subjects: [] },
    { position, at: NOON, actor: systemActor, eventId: `evt_${position}`, random: systemRandomness },
  );
const from = (first: number, last: number) => [...Array(last - first + 1).keys()].map((index) => event(first + index));
const all = { all: true } as const;

describeOnEachEngine("the whole audit trail", (open) => {
  it.each(["asc", "desc"] as const)(
    "is read in batches, %s, and ends with what there was as it began",
    async (order) => {
      const { db, engine } = await open();
      await migrate(db, engine);
      const append = (events: SealedEvent[]) => db.transaction().execute((tx) => appendEvents(tx, events));
      await append(from(1, 700));
      const found: number[] = [];
      const sizes: number[] = [];
      for await (const batch of eventsInBatches(db, all, { subjects: [] }, { order, after: undefined })) {
        if (sizes.length === 0) await append(from(701, 720));
        sizes.push(batch.length);
        found.push(...batch.map(({ position }) => position));
      }
      const positions = [...Array(700).keys()].map((index) => index + 1);
      expect(found).toEqual(order === "asc" ? positions : positions.reverse());
      expect(sizes).toEqual([500, 200]);
    },
  );
});
