import { describe, expect, it } from "vitest";
import { Refusal } from "../../src/errors.ts";
import { asStorageRefusal } from "../../src/store/storage-errors.ts";

const coded = (code: string) => Object.assign(new Error(`told with ${code}`), { code });

describe("a database that cannot answer now is 503 storage-unavailable, whatever the engine (L3, L16):", () => {
  it.each([
    ["SQLITE_BUSY", "another process holds the write lock"],
    ["SQLITE_FULL", "the disk is full"],
    ["SQLITE_IOERR_FSYNC", "the disk failed"],
    ["SQLITE_READONLY", "read-only"],
    ["SQLITE_CORRUPT", "corrupt"],
    ["08006", "the connection broke"],
    ["08001", "the connection was refused"],
    ["25006", "read-only"],
    ["25P03", "the session was idle in its transaction for too long"],
    ["28P01", "the password was changed"],
    ["3D000", "the database is gone"],
    ["42501", "the role's rights were taken or never granted"],
    ["40P01", "a deadlock, again and again"],
    ["53100", "the disk is full"],
    ["53300", "too many connections"],
    ["57014", "the statement took too long"],
    ["57P01", "terminated by an administrator"],
    ["57P03", "starting up or shutting down"],
    ["58030", "the disk failed"],
    ["XX001", "corrupt"],
  ])("%s, %s", (code) => {
    const refusal = asStorageRefusal(coded(code));
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toMatchObject({ code: "storage-unavailable", status: 503 });
  });

  it("but where others write for too long it can, and the change is one too many (L18)", () => {
    expect(asStorageRefusal(coded("55P03"))).toMatchObject({ code: "overloaded", status: 503 });
  });

  it.each(["22021", "22P05"])("a text that the engine cannot hold is the caller's mistake: %s", (code) => {
    expect(asStorageRefusal(coded(code))).toMatchObject({ code: "invalid-text", status: 400 });
  });

  it.each(["23505", "42P01", "SQLITE_CONSTRAINT_UNIQUE", "ENOENT"])("%s stays what it is", (code) => {
    const error = coded(code);
    expect(asStorageRefusal(error)).toBe(error);
  });

  it("a refusal stays what it is, though its own code is one", () => {
    const refusal = new Refusal("not-found", "not there");
    expect(asStorageRefusal(refusal)).toBe(refusal);
  });
});
