import type { Logger } from "pino";
import { describe, expect, it } from "vitest";
import { logsErrors } from "../../src/server/surroundings.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/time.ts";
import { fakeTime } from "../support/fake-time.ts";

type Line = readonly [level: string, what: string, fields: { readonly leftOut?: number; readonly err?: unknown }];

/** What logs, the lines that it wrote, and a time that passes when told to. */
function logging() {
  const time = fakeTime(0);
  const lines: Line[] = [];
  const writes = (level: string) => (fields: object, what: string) => void lines.push([level, what, fields]);
  const logger = { error: writes("error"), info: writes("info") } as unknown as Logger;
  return { time, onError: logsErrors({ logger, timers: time.timers }), logger, taken: () => lines.splice(0) };
}

const away = () => Object.assign(new Error("the server did not answer"), { code: "08006" });

describe("L16, S70: a failure that goes on does not fill the log", () => {
  it("it is told when it begins, once a minute with how many were left out, and when it is over", () => {
    const { time, onError, taken } = logging();
    const fail = (times: number) => {
      for (let n = 0; n < times; n++) {
        onError("the log could not be followed")(away());
        time.pass(SECOND_MS / 4);
      }
    };
    fail(1);
    expect(taken()).toMatchObject([["error", "the log could not be followed", { err: { code: "08006" } }]]);
    fail(238);
    expect(taken()).toEqual([]);
    fail(2);
    expect(taken()).toMatchObject([["error", "the log could not be followed", { leftOut: 238 }]]);
    time.pass(MINUTE_MS);
    expect(taken()).toMatchObject([["error", "the log could not be followed", { leftOut: 0 }]]);
    time.pass(MINUTE_MS);
    expect(taken()).toMatchObject([["info", "it is over, for a minute at least: the log could not be followed", {}]]);
    expect(time.running).toBe(0);
    fail(1);
    expect(taken()).toMatchObject([["error", "the log could not be followed", {}]]);
  });

  it("one that comes once is one line", () => {
    const { time, onError, taken } = logging();
    onError("a certificate was not renewed")(away());
    expect(taken()).toHaveLength(1);
    time.pass(2 * MINUTE_MS);
    expect(taken()).toEqual([]);
  });

  it("another failure, and the same of something else, is told at once", () => {
    const { onError, taken } = logging();
    for (const what of ["one", "other"])
      for (const error of [away(), new TypeError("a mistake"), away(), new TypeError("a mistake"), undefined, "text"])
        onError(what)(error);
    expect(taken().map(([, what, { err }]) => [what, String(err)])).toEqual(
      ["one", "other"].flatMap((what) => [
        [what, "Error: the server did not answer"],
        [what, "TypeError: a mistake"],
        [what, "undefined"],
      ]),
    );
  });
});
