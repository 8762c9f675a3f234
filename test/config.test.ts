import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError, loadConfig, unknownVariables } from "../src/config.ts";
import { settings } from "../src/config-settings.ts";
import { formatListenAddress, parseListenAddress } from "../src/listen-address.ts";

const noFile = (): string => {
  throw new Error("no file is to be read");
};
const withFile = (text: string, env: Record<string, string> = {}) =>
  loadConfig({ ENTENTE_CONFIG: "entente.yaml", ...env }, () => text);
const problemsOf = (load: () => unknown): string[] => {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  throw new Error("the configuration was accepted");
};

describe("where settings come from", () => {
  it("nothing at all gives loopback listeners and a database under ./data", () => {
    expect(loadConfig({}, noFile)).toMatchObject({
      data: "./data",
      adminAddress: { host: "127.0.0.1", port: 8440 },
      bundleAddress: { host: "127.0.0.1", port: 8443 },
      bundleWebAddress: { host: "127.0.0.1", port: 8444 },
      tombstoneSeconds: 604_800,
      limits: { bodyBytes: 65_536, uploadBytes: 1_048_576 },
    });
  });

  it("a file overrides the defaults and a variable overrides the file", () => {
    const config = withFile("svidTtlSeconds: 60\nlimits: { pollBurst: 7, bodyBytes: 2048 }", {
      ENTENTE_LIMITS_POLL_BURST: "8",
    });
    expect(config).toMatchObject({ svidTtlSeconds: 60, limits: { pollBurst: 8, bodyBytes: 2048, pollsPerSecond: 50 } });
  });

  it("JSON is read as well as YAML, and an empty file is no setting", () => {
    expect(withFile('{"trustDomain": "broker.example"}').trustDomain).toBe("broker.example");
    expect(withFile("# nothing yet\n")).toEqual(loadConfig({}, noFile));
  });

  it("an empty variable counts as absent", () => {
    expect(loadConfig({ ENTENTE_DATA: "", ENTENTE_CONFIG: "" }, noFile).data).toBe("./data");
  });

  it.each([
    ["ENTENTE_DATA", "data"],
    ["ENTENTE_DATABASE_URL", "databaseUrl"],
    ["ENTENTE_TRUST_DOMAIN", "trustDomain"],
    ["ENTENTE_ADMIN_ADDRESS", "adminAddress"],
    ["ENTENTE_BUNDLE_ADDRESS", "bundleAddress"],
    ["ENTENTE_BUNDLE_WEB_ADDRESS", "bundleWebAddress"],
    ["ENTENTE_PUBLIC_URL_ADMIN", "publicUrlAdmin"],
    ["ENTENTE_PUBLIC_URL_SPIFFE", "publicUrlSpiffe"],
    ["ENTENTE_PUBLIC_URL_WEB", "publicUrlWeb"],
  ])("%s keeps its name, which other programs rely on", (variable, name) => {
    expect(settings.find((setting) => setting.variable === variable)?.name).toBe(name);
  });

  it("every default is allowed by its own setting", () => {
    for (const { variable, default: byDefault } of settings) {
      if (byDefault !== undefined) expect(() => loadConfig({ [variable]: String(byDefault) }, noFile)).not.toThrow();
    }
  });
});

describe("what is derived", () => {
  it("https_web listens beside https_spiffe: same host, next port", () => {
    expect(loadConfig({ ENTENTE_BUNDLE_ADDRESS: "10.0.0.1:9000" }, noFile).bundleWebAddress).toEqual({
      host: "10.0.0.1",
      port: 9001,
    });
  });

  it("https_web takes a free port where https_spiffe does, over IPv6 too", () => {
    const config = loadConfig({ ENTENTE_ADMIN_ADDRESS: "[::1]:0", ENTENTE_BUNDLE_ADDRESS: "[::1]:0" }, noFile);
    expect(config.bundleWebAddress).toEqual({ host: "::1", port: 0 });
  });

  it("a public URL loses the slash at its end", () => {
    expect(loadConfig({ ENTENTE_PUBLIC_URL_WEB: "https://b.example:8444/" }, noFile).publicUrlWeb).toBe(
      "https://b.example:8444",
    );
  });
});

describe("a wrong configuration names where, what is wrong and what is allowed", () => {
  it.each([
    ["an unknown member", "wat: 1", /^entente\.yaml, wat: is not a setting; allowed: data, databaseUrl, .*limits$/],
    [
      "an unknown member of a group",
      "limits: { wat: 1 }",
      /^entente\.yaml, limits\.wat: is not a setting; allowed: body/,
    ],
    [
      "a number as text",
      'svidTtlSeconds: "60"',
      /^entente\.yaml, svidTtlSeconds: is "60"; allowed: an integer from 5 to/,
    ],
    ["a null", "data: null", /^entente\.yaml, data: is null; allowed: a path$/],
    ["an empty path", 'data: ""', /^entente\.yaml, data: is ""; allowed: a path$/],
    [
      "a group that is none",
      "limits: 3",
      /^entente\.yaml, limits: is 3; allowed: an object with the members bodyBytes/,
    ],
    ["a file that is a list", "- a", /^entente\.yaml: is \["a"\]; allowed: an object with the members data/],
    ["a file that is no YAML", "a: [", /^entente\.yaml: .*line 1.*; allowed: one YAML or JSON object$/],
    ["a member given twice", "data: a\ndata: b", /^entente\.yaml: .*unique.*; allowed: one YAML or JSON object$/],
    [
      "upper case in a trust domain (R3)",
      "trustDomain: Broker",
      /^entente\.yaml, trustDomain: is "Broker"; allowed: a SPIFFE/,
    ],
    [
      "a level that does not exist",
      "logLevel: loud",
      /^entente\.yaml, logLevel: is "loud"; allowed: trace, debug, info/,
    ],
  ])("%s", (_name, text, problem) => {
    expect(problemsOf(() => withFile(text))).toEqual([expect.stringMatching(problem)]);
  });

  it.each([
    ["ENTENTE_SVID_TTL_SECONDS", "1.5"],
    ["ENTENTE_SVID_TTL_SECONDS", "0x10"],
    ["ENTENTE_SVID_TTL_SECONDS", "4"],
    ["ENTENTE_ADMIN_ADDRESS", "8440"],
    ["ENTENTE_ADMIN_ADDRESS", ":8440"],
    ["ENTENTE_ADMIN_ADDRESS", "::1:8440"],
    ["ENTENTE_ADMIN_ADDRESS", "[127.0.0.1]:8440"],
    ["ENTENTE_ADMIN_ADDRESS", "127.0.0.1:65536"],
    ["ENTENTE_PUBLIC_URL_WEB", "http://b.example"],
    ["ENTENTE_PUBLIC_URL_WEB", "https://user@b.example"],
    ["ENTENTE_PUBLIC_URL_WEB", "https://b.example/path"],
    ["ENTENTE_PUBLIC_URL_WEB", "https://b.example/?"],
  ])("%s=%s", (variable, value) => {
    const [problem, ...others] = problemsOf(() => loadConfig({ [variable]: value }, noFile));
    expect(problem?.replaceAll('"', "")).toContain(`${variable}: is ${value}; allowed: `);
    expect(others).toEqual([]);
  });

  it("a file that cannot be read", () => {
    expect(problemsOf(() => loadConfig({ ENTENTE_CONFIG: "gone.yaml" }, noFile))).toEqual([
      "ENTENTE_CONFIG: gone.yaml cannot be read (no file is to be read); allowed: a YAML or JSON file",
    ]);
  });

  it("all that is wrong is told at once", () => {
    expect(problemsOf(() => withFile("wat: 1\ndata: 2", { ENTENTE_LOG_LEVEL: "loud" }))).toHaveLength(3);
  });

  it("S46: NODE_TLS_REJECT_UNAUTHORIZED, whatever its value", () => {
    for (const value of ["0", "1", ""]) {
      expect(problemsOf(() => loadConfig({ NODE_TLS_REJECT_UNAUTHORIZED: value }, noFile))).toEqual([
        expect.stringContaining("NODE_TLS_REJECT_UNAUTHORIZED"),
      ]);
    }
  });
});

describe("settings that contradict each other are refused", () => {
  it.each([
    ["a certificate without its key", "webCertificateFile: a", "webCertificateFile: is set without webKeyFile"],
    ["a key without its certificate", "webKeyFile: a", "webKeyFile: is set without webCertificateFile"],
    ["a default life over the longest", "maxTokenSeconds: 60", "at most maxTokenSeconds, which is 60"],
    ["two listeners on one port", "adminAddress: 127.0.0.1:8443", '"127.0.0.1:8443", as is entente.yaml, adminAddress'],
    ["no next port", "bundleAddress: 127.0.0.1:65535", "bundleAddress has no next port"],
    ["bodies larger than uploads", "limits: { uploadBytes: 1024 }", "at most limits.uploadBytes, which is 1024"],
  ])("%s", (_name, text, problem) => {
    expect(problemsOf(() => withFile(text))).toEqual([expect.stringContaining(problem)]);
  });

  it("but every listener may take a free port", () => {
    expect(() => withFile("adminAddress: 127.0.0.1:0\nbundleAddress: 127.0.0.1:0")).not.toThrow();
  });
});

describe("misspelt variables", () => {
  it("are told apart from settings and from the links that Kubernetes sets for a service called entente", () => {
    const env = {
      ENTENTE_ADMIN_ADRESS: "x",
      ENTENTE_DATA: "x",
      ENTENTE_CONFIG: "x",
      ENTENTE_SERVICE_HOST: "x",
      ENTENTE_PORT_8440_TCP_ADDR: "x",
      PATH: "x",
    };
    expect(unknownVariables(env)).toEqual(["ENTENTE_ADMIN_ADRESS"]);
  });
});

describe("host:port", () => {
  it("every address that is written is read back as it was", () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
        expect(parseListenAddress(formatListenAddress({ host: name, port }))).toEqual({ host: name, port });
      }),
    );
  });
});
