import { expect, it } from "vitest";
import { findTrustDomain } from "../../src/features/trust-domains/trust-domain.store.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { type EventType, sealEvent, systemActor } from "../../src/store/event.ts";
import { appendEvents } from "../../src/store/event-log.ts";
import { migrate } from "../../src/store/migrate.ts";
import { describeOnEachEngine, migrateBefore } from "../support/databases.ts";
import { NOON } from "../support/store-broker.ts";

const STEP = "0012-owned-since";
const once = parseTrustDomain("once.example");
const again = parseTrustDomain("again.example");
const own = parseTrustDomain("broker.example");

describeOnEachEngine("S21: trust domains of a database in which nobody had noted since when they are whose", (open) => {
  it("are the present owner's from their last registration on, where an earlier owner had given them back", async () => {
    const empty = await open();
    const { db, engine } = empty;
    await migrateBefore(empty, STEP);
    const happened: [EventType, string][] = [
      ["trust-domain.registered", once],
      ["trust-domain.registered", again],
      ["trust-domain.freed", again],
      ["trust-domain.registered", again],
      ["trust-domain.updated", again],
    ];
    const events = happened.map(([type, name], index) =>
      sealEvent(
        { type, subjects: [`trust-domain/${name}`] },
        {
          position: index + 1,
          at: NOON,
          actor: systemActor,
          eventId: `evt_${index}`,
          random: (bytes) => new Uint8Array(bytes),
        },
      ),
    );
    await db.transaction().execute((tx) => appendEvents(tx, events));
    const row = { refresh_hint_seconds: 300, public: 0, created_at: NOON, updated_at: NOON };
    for (const name of [once, again, own])
      await db
        .insertInto("trust_domain")
        .values({ ...row, name } as never)
        .execute();
    expect(await migrate(db, engine)).toContain(STEP);
    const found = await Promise.all([once, again, own].map((name) => findTrustDomain(db, name)));
    expect(found.map((record) => record?.ownedSince)).toEqual([null, 4, null]);
  });
});
