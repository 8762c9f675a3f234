import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./support/temporary-folder.ts";

const main = join(import.meta.dirname, "..", "src", "main.ts");

/** Starts the program as a process, in an empty folder, with these variables and no others of its own. */
function start(
  env: Readonly<Record<string, string>>,
  nodeArguments: readonly string[] = [],
  words: readonly string[] = [],
) {
  const folder = temporaryFolder();
  const data = join(folder, "data");
  const { status, stderr } = spawnSync(process.execPath, [...nodeArguments, main, ...words], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", ENTENTE_DATA: data, ...env },
    encoding: "utf8",
    timeout: 20_000,
  });
  return { status, stderr, opened: existsSync(data) };
}

describe("a process that cannot start says why, exits 78 and has opened nothing (L9)", () => {
  it("a wrong variable", () => {
    const { status, stderr, opened } = start({ ENTENTE_ADMIN_ADDRESS: "8440" });
    expect(stderr).toContain('ENTENTE_ADMIN_ADDRESS: is "8440"; allowed: host:port');
    expect({ status, opened }).toEqual({ status: 78, opened: false });
  });

  it("a wrong member of the configuration file", () => {
    const file = join(temporaryFolder(), "entente.yaml");
    writeFileSync(file, "tombstones: 3");
    const { status, stderr, opened } = start({ ENTENTE_CONFIG: file });
    expect(stderr).toContain(`${file}, tombstones: is not a setting; allowed: data, databaseUrl,`);
    expect({ status, opened }).toEqual({ status: 78, opened: false });
  });

  it("S46: certificate checks that are turned off", () => {
    const { status, stderr, opened } = start({ NODE_TLS_REJECT_UNAUTHORIZED: "0" });
    expect(stderr).toContain("NODE_TLS_REJECT_UNAUTHORIZED");
    expect({ status, opened }).toEqual({ status: 78, opened: false });
  });

  it.each(["/proc/entente", "/proc/entente/data"])("a data folder where the system makes none: %s", (path) => {
    const { status, stderr } = start({ ENTENTE_DATA: path });
    expect(stderr).toContain(`the data folder ${path} cannot be used`);
    expect(stderr).toContain("set ENTENTE_DATA to another folder");
    expect(status).toBe(78);
  });

  it.each([["migrat"], ["--help"], ["toString"], ["rekey", "now"]])("words that are no command: %s", (...words) => {
    const { status, stderr, opened } = start({}, [], words);
    expect(stderr).toContain(`"${words.join(" ")}" is no command; there are serve, migrate, rekey; none means serve`);
    expect({ status, opened }).toEqual({ status: 78, opened: false });
  });

  it.each(["20.19.0", "22.18.0", "21.9.9"])("Node %s", (version) => {
    const pretend = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } })`;
    const { status, stderr, opened } = start({}, ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`]);
    expect(stderr).toBe(
      `entente: Node ${version} is too old, 22.19 or later is needed. "npm start" uses the right one.\n`,
    );
    expect({ status, opened }).toEqual({ status: 78, opened: false });
  });
});

it("L7: what the program did not foresee ends it with 70, and the cause on standard error", () => {
  const data = join(temporaryFolder(), "data");
  mkdirSync(data);
  writeFileSync(join(data, "keys"), "a file where the folder of the keys belongs");
  const { status, stderr } = start({ ENTENTE_DATA: data, ENTENTE_ADMIN_ADDRESS: "127.0.0.1:0" });
  expect(stderr).toContain("EEXIST");
  expect(status).toBe(70);
});
