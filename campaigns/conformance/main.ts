import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningServer, runServer } from "../../bench/running-server.ts";

/**
 * Holds a running broker against its own contract, for each role, with requests that fit openapi.yaml and requests that do
 * not: `npm run conformance -- [examples an operation]`. Needs schemathesis of Python on the PATH (`schemathesis`).
 */
const examples = process.argv[2] ?? "25";
const SEED = "20261125";
interface Result {
  readonly role: string;
  readonly code: number | null;
  readonly said: string;
}

const version = spawnSync("schemathesis", ["--version"], { encoding: "utf8" });
if (version.error) {
  console.log("schemathesis is not on the PATH: nothing was run (pip install schemathesis==4.32.5)");
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), "entente-conformance-"));
const server = await runServer();
try {
  for (const [role, token] of Object.entries(await credentials(server))) {
    const result = await run(server, role, token);
    report(result);
    if (result.code !== 0) process.exitCode = 1;
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true });
}

async function credentials({ call, operatorToken }: RunningServer): Promise<Record<string, string>> {
  const post = async (path: string, by: string, body: object) => {
    const { status, body: text } = await call("POST", path, by, body);
    if (status !== 201) throw new Error(`${path} was answered ${status}: ${text}`);
    return (JSON.parse(text) as { token: string }).token;
  };
  const register = async (meshId: string) => {
    const trustDomain = `${meshId}.example`;
    return post("/v1/meshes", await post("/v1/invitations", operatorToken, { trustDomain }), { meshId, trustDomain });
  };
  const admin = await register("shop");
  await register("bank");
  return {
    nobody: "not-a-token-of-any-kind",
    "mesh-viewer": await post("/v1/tokens", admin, { name: "v", role: "mesh-viewer", meshes: ["shop"] }),
    auditor: await post("/v1/tokens", operatorToken, { name: "a", role: "auditor" }),
    "mesh-admin": admin,
    operator: operatorToken,
  };
}

/** In a process of its own that does not block this one, which serves. */
async function run({ adminUrl, adminCa }: RunningServer, role: string, token: string): Promise<Result> {
  const ca = join(folder, "ca.pem");
  writeFileSync(ca, adminCa);
  const child = spawn(
    "schemathesis",
    [
      ...["--config-file", join(import.meta.dirname, "schemathesis.toml")],
      "run",
      "openapi.yaml",
      ...["--url", adminUrl, "--tls-verify", ca, "--seed", SEED, "--max-examples", examples],
      ...["--checks", "all", "--mode", "all", "--phases", "examples,coverage,fuzzing", "--continue-on-failure"],
      ...[
        "--header",
        `Authorization: Bearer ${token}`,
        "--header",
        "If-Match: *",
        "--no-color",
        "--generation-database",
        "none",
      ],
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { role, code, said: said.replaceAll(token, "$TOKEN") };
}

function report({ role, code, said }: Result): void {
  console.log(`== ${role}: ${code === 0 ? "conforms" : "does not conform"}`);
  console.log(code === 0 ? said.slice(said.indexOf("SUMMARY")) : said.slice(-30_000));
}
