import Value from "typebox/value";
import type { Settings } from "./config-schema.ts";
import { type Setting, settings } from "./config-settings.ts";
import { type Environment, type Found, findSettings, show } from "./config-sources.ts";
import { formatListenAddress, type ListenAddress } from "./listen-address.ts";
import { StartRefusal } from "./start-refusal.ts";

/** The settings of a process, read and checked: what is wrong with one is known before anything is opened. */
export type Config = Settings & { readonly bundleWebAddress: ListenAddress };

/** The configuration cannot be used. The message has a line for each thing that is wrong. */
export class ConfigError extends StartRefusal {
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/**
 * Reads the configuration: defaults, then the file that `ENTENTE_CONFIG` names (YAML or JSON), then environment
 * variables; the later wins. An empty variable counts as absent. `readFile` gives a file's text or throws.
 * @throws {ConfigError} naming file or variable, member, what is wrong and what is allowed
 */
export function loadConfig(env: Environment, readFile: (path: string) => string): Config {
  const problems: string[] = [];
  if (env.NODE_TLS_REJECT_UNAUTHORIZED !== undefined) {
    problems.push("NODE_TLS_REJECT_UNAUTHORIZED: is set, which can turn certificate checks off; allowed: absent (S46)");
  }
  const found = findSettings(env, readFile, problems);
  const given = understood(found, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const config = { ...given, bundleWebAddress: given.bundleWebAddress ?? besides(given.bundleAddress) };
  const contradictory = contradictions(config, (name) => found.get(name)?.origin ?? name);
  if (contradictory.length > 0) throw new ConfigError(contradictory);
  return config;
}

/** Variables that look like settings and are none, most likely misspelt. Kubernetes' service links are left out. */
export function unknownVariables(env: Environment): string[] {
  const known = new Set(["ENTENTE_CONFIG", ...settings.map((setting) => setting.variable)]);
  const isServiceLink = (name: string): boolean => /^ENTENTE_(?:[A-Z_]+_)?(?:PORT|SERVICE)(?:_|$)/.test(name);
  return Object.keys(env).filter((name) => name.startsWith("ENTENTE_") && !known.has(name) && !isServiceLink(name));
}

/** The found values, each as the program uses it, in the shape of the schema. Wrong ones are left out and told of. */
function understood(found: ReadonlyMap<string, Found>, problems: string[]): Settings {
  const root: Group = {};
  for (const setting of settings) {
    const one = found.get(setting.name);
    if (one === undefined) continue;
    const value = decode(setting, one.value);
    const shown = setting.secret ? "not what it should be" : show(one.value);
    if (value === undefined) problems.push(`${one.origin}: is ${shown}; allowed: ${setting.allowed}`);
    put(root, setting.path, value);
  }
  return root as unknown as Settings;
}

interface Group {
  [key: string]: unknown;
}

function put(group: Group, [key, ...below]: readonly string[], value: unknown): void {
  if (key === undefined) return;
  if (below.length === 0) group[key] = value;
  else {
    group[key] ??= {};
    put(group[key] as Group, below, value);
  }
}

/** A setting's value as the program uses it; undefined when it is not allowed. Nothing is coerced. */
function decode({ schema }: Setting, value: unknown): unknown {
  if (!Value.Check(schema, value)) return undefined;
  try {
    return Value.Decode(schema, value);
  } catch {
    return undefined;
  }
}

/** Where the https_web endpoint listens unless told otherwise. */
const besides = ({ host, port }: ListenAddress): ListenAddress => ({ host, port: port === 0 ? 0 : port + 1 });

/** What is allowed alone but not together. `origin` says where a setting came from. */
function contradictions(config: Config, origin: (name: string) => string): string[] {
  const { webCertificateFile, webKeyFile, databaseUrl, keyFile, limits } = config;
  const atMost = (low: string, lowValue: number, high: string, highValue: number): string[] =>
    lowValue <= highValue ? [] : [`${origin(low)}: is ${lowValue}; allowed: at most ${high}, which is ${highValue}`];
  return [
    ...(databaseUrl === undefined && keyFile !== undefined
      ? [`${origin("keyFile")}: is set without databaseUrl; allowed: with databaseUrl`]
      : []),
    ...(webCertificateFile !== undefined && webKeyFile === undefined
      ? [`${origin("webCertificateFile")}: is set without webKeyFile; allowed: both or neither`]
      : []),
    ...(webCertificateFile === undefined && webKeyFile !== undefined
      ? [`${origin("webKeyFile")}: is set without webCertificateFile; allowed: both or neither`]
      : []),
    ...sharedAddresses(config, origin),
    ...atMost("tokenSeconds", config.tokenSeconds, "maxTokenSeconds", config.maxTokenSeconds),
    ...atMost("limits.bodyBytes", limits.bodyBytes, "limits.uploadBytes", limits.uploadBytes),
    ...atMost("limits.headersTimeoutMs", limits.headersTimeoutMs, "limits.requestTimeoutMs", limits.requestTimeoutMs),
    ...atMost("limits.connectionsPerAddress", limits.connectionsPerAddress, "limits.connections", limits.connections),
    ...atMost(
      "limits.adminConnectionsPerAddress",
      limits.adminConnectionsPerAddress,
      "limits.adminConnections",
      limits.adminConnections,
    ),
  ];
}

/** Two listeners on one port, unless the system chooses it. */
function sharedAddresses(config: Config, origin: (name: string) => string): string[] {
  const taken = new Map<string, string>();
  const problems: string[] = [];
  for (const name of ["adminAddress", "bundleAddress", "bundleWebAddress"] as const) {
    const address = config[name];
    const text = formatListenAddress(address);
    const other = taken.get(text);
    if (address.port > 65_535) problems.push(`${name}: bundleAddress has no next port; allowed: setting it`);
    if (other !== undefined && address.port !== 0) {
      problems.push(`${origin(name)}: is "${text}", as is ${origin(other)}; allowed: an address of its own`);
    }
    taken.set(text, name);
  }
  return problems;
}
