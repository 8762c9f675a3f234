import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hasOperatorToken } from "../../src/features/access/token.service.ts";
import { prepareOperatorToken } from "../../src/server/first-start.ts";
import { describeOnEachEngine } from "../support/databases.ts";
import { storeBroker } from "../support/store-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const LIFE_SECONDS = 3_600;

describeOnEachEngine("the first operator token", (open) => {
  it("S27: is made by one of two first starts at once, and is in the file of that one", async () => {
    const { unitOfWork } = await storeBroker(await open());
    const folders = [temporaryFolder(), temporaryFolder()];
    const made = await Promise.all(folders.map((folder) => prepareOperatorToken(unitOfWork, folder, LIFE_SECONDS)));
    const files = folders.map((folder) => join(folder, "operator-token")).filter((file) => existsSync(file));
    expect(made.filter((file) => file !== undefined)).toEqual(files);
    expect(files).toHaveLength(1);
    expect(readFileSync(files[0] ?? "", "utf8")).toMatch(/^\S+\n$/);
  });

  it("S27: leaves no file where the change that makes it does not go through to its commit", async () => {
    const broker = await storeBroker(await open(), {
      async settle({ recorded }) {
        if (recorded.some(({ type }) => type === "token.created")) throw new Error("refused after the token was made");
      },
    });
    const folder = temporaryFolder();
    await expect(prepareOperatorToken(broker.unitOfWork, folder, LIFE_SECONDS)).rejects.toThrow("refused after");
    expect(existsSync(join(folder, "operator-token"))).toBe(false);
  });

  it("S27: is not made where its file cannot be written", async () => {
    const { unitOfWork, db } = await storeBroker(await open());
    const absent = join(temporaryFolder(), "absent");
    await expect(prepareOperatorToken(unitOfWork, absent, LIFE_SECONDS)).rejects.toThrow("ENOENT");
    expect(await hasOperatorToken(db)).toBe(false);
  });
});
