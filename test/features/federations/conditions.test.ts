import { describe, expect, test } from "vitest";
import {
  type Condition,
  conditionsOf,
  type DirectionFacts,
  directionsOf,
} from "../../../src/features/federations/conditions.ts";
import type { Federation } from "../../../src/features/federations/federation.ts";
import { bothDirections, makeTerms } from "../../../src/features/federations/terms.ts";
import { parseMeshId } from "../../../src/features/meshes/mesh-id.ts";
import {
  agreed,
  ask,
  bank,
  bankTrustsShop,
  bothWays,
  proposed,
  say,
  shop,
  shopTrustsBank,
  terms,
  veto,
} from "./two-sides.ts";

const granted = { membersInGoodStanding: true };
const conditions = (federation: Federation, now = 5, directions: readonly DirectionFacts[] = [], facts = granted) =>
  conditionsOf(federation, facts, directions, now);
const find = (list: readonly Condition[], type: string) => list.find((condition) => condition.type === type);
const short = (list: readonly Condition[]) =>
  Object.fromEntries(list.map(({ type, status, reason }) => [type, `${status} ${reason}`]));

describe("conditions say why a federation is active or not, derived from facts alone", () => {
  test("both sides granted, nobody vetoes and nothing ended: it is active since the last of these", () => {
    const list = conditions(agreed());
    expect(short(list)).toEqual({
      Consented: "True BothGranted",
      OwnersAccept: "True NoVeto",
      Unexpired: "True NoExpiry",
      Active: "True Agreed",
      BundlesExchanged: "True Active",
    });
    expect(find(list, "Active")).toMatchObject({ lastTransitionTime: 1 });
    expect(find(list, "BundlesExchanged")?.message).toBe("bank trusts shop, shop trusts bank");
  });

  test.each<[string, Federation, string, string]>([
    ["a side that has not decided", proposed(), "Consented", "AwaitingConsent"],
    ["a side that denied", say(proposed(), shop, "deny", 2).federation, "Consented", "Denied"],
    ["a side that withdrew", say(agreed(), bank, "withdraw", 2).federation, "Consented", "Withdrawn"],
    ["an owner's veto", veto(agreed(), "deny", 2).federation, "OwnersAccept", "Vetoed"],
    ["the end of the terms", agreed(terms(bothWays, 3)), "Unexpired", "Expired"],
  ])("%s makes it inactive and is named as the reason", (_, federation, type, reason) => {
    const list = conditions(federation);
    expect(find(list, type)).toMatchObject({ status: "False", reason });
    expect(find(list, "Active")).toMatchObject({ status: "False", reason, message: find(list, type)?.message });
    expect(find(list, "BundlesExchanged")).toMatchObject({ status: "False", reason: "NotActive" });
  });

  test("a side that is no granted member makes it inactive (S19)", () => {
    const list = conditions(agreed(), 5, [], { membersInGoodStanding: false });
    expect(short(list)).toMatchObject({ OwnersAccept: "False NotAMember", Active: "False NotAMember" });
  });

  test("messages tell who and why, and until when", () => {
    expect(find(conditions(proposed()), "Consented")?.message).toBe("shop has not decided yet");
    expect(find(conditions(veto(agreed(), "deny", 2).federation), "OwnersAccept")?.message).toBe(
      "the owner of shop.example vetoes it: not in my house",
    );
    const end = Date.UTC(2027, 0, 1);
    expect(find(conditions(agreed(terms(bothWays, end))), "Unexpired")?.message).toBe(
      "the terms end at 2027-01-01T00:00:00.000Z",
    );
  });

  test("an expiry comes and goes with the clock, at its own instant", () => {
    const federation = agreed(terms(bothWays, 10));
    expect([9, 10, 9].map((now) => find(conditions(federation, now), "Unexpired"))).toMatchObject([
      { status: "True", reason: "InForce" },
      { status: "False", reason: "Expired", lastTransitionTime: 10 },
      { status: "True", reason: "InForce" },
    ]);
  });

  test("a proposal beside agreed terms is told of, and takes nothing away (decision 10)", () => {
    const list = conditions(ask(agreed(terms([bankTrustsShop])), shop, 3, { trust: bothWays }).federation);
    expect(short(list)).toMatchObject({ Active: "True Agreed", TermsProposed: "True AwaitingConsent" });
    expect(find(list, "TermsProposed")).toMatchObject({
      lastTransitionTime: 3,
      message: expect.stringMatching(/^shop proposed/),
    });
    expect(find(conditions(proposed()), "TermsProposed")).toBeUndefined();
  });

  test("two meshes of one trust domain federate without an exchange of bundles, and the answer says so", () => {
    const branch = { meshId: parseMeshId("branch"), trustDomain: bank.trustDomain };
    const shared = makeTerms([branch, bank], bothDirections([branch, bank]), null, 0);
    const list = conditions(say({ ...proposed(shared) }, { ...bank, meshId: branch.meshId }, "grant", 1).federation);
    expect(short(list)).toMatchObject({ Active: "True Agreed", BundlesExchanged: "False SameTrustDomain" });
  });
});

describe("by the ledger, each direction says whether the consumer's pollers hold the newest revision", () => {
  const delivery = (pollerId: string, revision: number | null, at: number) => ({
    pollerId,
    meshId: "shop",
    trustDomain: bank.trustDomain,
    sequence: revision ?? 99,
    revision,
    projection: "spiffe" as const,
    at,
  });
  const facts = (more: Partial<DirectionFacts> = {}): DirectionFacts => ({
    direction: shopTrustsBank,
    newest: { position: 7, at: 3 },
    pollers: ["p1", "p2"],
    deliveries: [],
    ...more,
  });
  const delivered = (more?: Partial<DirectionFacts>) =>
    find(conditions(agreed(), 9, [facts(more)]), "DeliveredTo.shop");

  test.each<[string, Partial<DirectionFacts>, Partial<Condition>]>([
    ["before the first revision", { newest: null }, { status: "Unknown", reason: "NothingPublished" }],
    ["without a poller", { pollers: [] }, { status: "Unknown", reason: "NoPoller" }],
    ["when nobody fetched", {}, { status: "False", reason: "Behind", lastTransitionTime: 3 }],
    [
      "when one holds an older revision",
      { deliveries: [delivery("p1", 7, 4), delivery("p2", 6, 8)] },
      { status: "False", reason: "Behind", message: expect.stringMatching(/^1 of 2 pollers/) },
    ],
    [
      "when one holds a tombstone",
      { deliveries: [delivery("p1", 7, 4), delivery("p2", null, 8)] },
      { status: "False", reason: "Behind" },
    ],
    [
      "when all hold it: since the last of them",
      { deliveries: [delivery("p1", 7, 4), delivery("p2", 7, 6)] },
      { status: "True", reason: "Current", lastTransitionTime: 6 },
    ],
    [
      "whatever a poller holds that is gone",
      { deliveries: [delivery("p1", 7, 4), delivery("p2", 7, 6), delivery("old", 2, 8)] },
      { status: "True", reason: "Current", lastTransitionTime: 6 },
    ],
  ])("%s", (_, more, expected) => {
    expect(delivered(more)).toMatchObject(expected);
  });

  test("nothing is said of deliveries while nothing is served", () => {
    expect(find(conditions(proposed(), 9, [facts()]), "DeliveredTo.shop")).toBeUndefined();
  });

  test("a condition's type names its consumer in CamelCase", () => {
    const direction = { consumer: parseMeshId("east-2-shop"), provider: bank.meshId };
    expect(conditions(agreed(), 9, [facts({ direction })]).map(({ type }) => type)).toContain(
      "DeliveredTo.east-2-shop",
    );
  });

  test("the directions looked at are the agreed ones, or those proposed before there are any", () => {
    expect(directionsOf(agreed(terms([bankTrustsShop])))).toEqual([bankTrustsShop]);
    expect(directionsOf(proposed(terms([shopTrustsBank])))).toEqual([shopTrustsBank]);
  });
});
