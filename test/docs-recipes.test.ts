import { spawn, spawnSync } from "node:child_process";
import { cpSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ON_SQLITE } from "./support/postgres-server.ts";
import { registerMesh, runBroker, type TestBroker, type TestMesh } from "./support/running-broker.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const root = join(import.meta.dirname, "..");
const missing = ["curl", "openssl"].filter((program) => spawnSync(program, ["version"]).error !== undefined);
if (missing.length > 0)
  console.warn(`the recipes of docs/ are not run: this machine has no ${missing.join(" and no ")}`);

/** The blocks of a page that are marked as runnable, in its order; those within a list lose its indentation. */
function recipesOf(page: string): string[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^( *)```sh run\n([\s\S]*?)\n\1```$/gm)].map(([, indent = "", block = ""]) =>
    block.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
}

interface Run {
  readonly code: number | null;
  readonly said: string;
}

/** Runs a page's blocks in one shell, which ends at the first command that fails. */
function runRecipes(page: string, folder: string, variables: Record<string, string>): Promise<Run> {
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const script = recipesOf(page).map((block, index) => `echo "== block ${index + 1}"\n${block}\n`);
  const shell = spawn("sh", ["-eu", "-c", `exec 2>&1\n${script.join("")}`], {
    cwd: folder,
    // As in the folder of the program: its Node and its packages.
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      ...variables,
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let said = "";
  shell.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    shell.on("error", reject);
    shell.on("close", (code) => resolve({ code, said }));
  });
}

describe.skipIf(missing.length > 0)("the recipes of docs/ do what they say", () => {
  let broker: TestBroker;
  let bank: TestMesh;
  let bankPolls: NodeJS.Timeout;

  beforeAll(async () => {
    broker = await runBroker(ON_SQLITE);
    bank = await registerMesh(broker, "bank");
    // The peer's control plane, which polls whatever the page is about.
    bankPolls = setInterval(() => void broker.pollSpiffe(`/p/${bank.pollerToken}/shop.example`).catch(() => {}), 100);
  });
  afterAll(async () => {
    clearInterval(bankPolls);
    await broker.remove();
  });

  it("docs/mesh-admins.md: a mesh registers, federates, polls, rotates its CA by the ledger and withdraws", async () => {
    const invited = await broker.api("POST", "/v1/invitations", {
      token: broker.operatorToken,
      body: { trustDomain: "shop.example" },
    });

    const { code, said } = await runRecipes("docs/mesh-admins.md", temporaryFolder(), {
      ADMIN_URL: broker.addresses.admin,
      SPIFFE_URL: broker.addresses.bundleSpiffe,
      WEB_URL: broker.addresses.bundleWeb,
      CA_FILE: join(broker.dataFolder, "admin-ca.pem"),
      INVITATION: invited.body.token,
      BANK_TOKEN: bank.token,
    });

    expect(code, said).toBe(0);
    const of = (path: string) => broker.api("GET", path, { token: broker.operatorToken });
    const { body: authorities } = await of("/v1/meshes/shop/authorities");
    const states = authorities.authorities.map(({ state }: { state: string }) => state);
    expect(states.sort()).toEqual(["active", "retired", "revoked"]);
    const { body: federations } = await of("/v1/federations?meshId=shop");
    expect(federations.federations).toMatchObject([{ proposer: "shop", state: "withdrawn" }]);
  }, 90_000);

  it("docs/trust-domain-owners.md: a mesh joins, the owner vetoes, makes the bundle public and hands it over", async () => {
    const owner = await registerMesh(broker, "east", { trustDomain: "corp.example" });
    const invited = await broker.api("POST", "/v1/invitations", {
      token: broker.operatorToken,
      body: { trustDomain: "corp.example" },
    });
    const folder = temporaryFolder();

    const { code, said } = await runRecipes("docs/trust-domain-owners.md", folder, {
      ADMIN_URL: broker.addresses.admin,
      WEB_URL: broker.addresses.bundleWeb,
      CA_FILE: join(broker.dataFolder, "admin-ca.pem"),
      INVITATION: invited.body.token,
      EAST_TOKEN: owner.token,
      BANK_TOKEN: bank.token,
    });

    expect(code, said).toBe(0);
    expect(JSON.parse(readFileSync(join(folder, "corp-bundle.json"), "utf8")).keys).toHaveLength(1);
    expect(readFileSync(join(folder, "corp-roots.pem"), "utf8")).toContain(owner.ca.certificatePem.trim());
  }, 90_000);

  it("docs/operators.md: tokens, an invitation, and a backup that a broker starts from with higher sequences", async () => {
    const served = await broker.pollWeb(`/p/${bank.pollerToken}/bank.example`);
    const folder = temporaryFolder();

    const { code, said } = await runRecipes("docs/operators.md", folder, {
      ADMIN_URL: broker.addresses.admin,
      DATA: broker.dataFolder,
    });

    expect(code, said).toBe(0);
    const invitation = JSON.parse(readFileSync(join(folder, "invitation.json"), "utf8"));
    expect(invitation).toMatchObject({ trustDomain: "shop.example", meshId: "shop", token: expect.any(String) });
    for (const secret of ["invitation.json", "operator-2.json", "prometheus.json"])
      expect(statSync(join(folder, secret)).mode & 0o077, `S62: ${secret} is for its owner alone`).toBe(0);
    const data = join(folder, "data");
    cpSync(join(broker.dataFolder, "keys"), join(data, "keys"), { recursive: true });
    for (const file of ["broker-ca.pem", "operator-token"]) cpSync(join(broker.dataFolder, file), join(data, file));
    cpSync(join(folder, "entente-backup.db"), join(data, "entente.db"));
    const restored = await runBroker(ON_SQLITE, data);
    const again = await restored.pollWeb(`/p/${bank.pollerToken}/bank.example`);
    await restored.remove();
    const [before, after] = [served, again].map(({ body }) => JSON.parse(body));
    expect(after).toEqual({ ...before, spiffe_sequence: 2 ** 32 + before.spiffe_sequence });
  }, 90_000);

  it("docs/tutorial.md: from an empty folder to two federated meshes, and apart again", async () => {
    const { code, said } = await runRecipes("docs/tutorial.md", temporaryFolder(), { ENTENTE: root });
    expect(code, said).toBe(0);
    for (const sign of ["refused, as it should be", "workload.pem: OK", '"type":"federation.withdrawn"'])
      expect(said).toContain(sign);
    expect(said).toMatch(/"keys":\[\]/);
  }, 90_000);

  it("README.md: the first call to a broker that was started with no configuration", async () => {
    const folder = temporaryFolder();
    symlinkSync(broker.dataFolder, join(folder, "data"));
    const { code, said } = await runRecipes("README.md", folder, {});
    expect(code, said).toBe(0);
    expect(said).toContain('"token":"ent_inv_');
  });

  it("docs/operators.md has each metric that is the broker's own", async () => {
    const { text } = await broker.api("GET", "/metrics", { token: broker.operatorToken });
    const page = readFileSync(join(root, "docs/operators.md"), "utf8");
    const own = [...text.matchAll(/^(entente_\w+)(?:\{(counter="\w+")\})? /gm)];
    expect(own.length).toBeGreaterThan(10);
    for (const [, name = "", counter = ""] of own) expect(page).toContain(counter === "" ? name : `{${counter}}`);
  });
});
