import { type Setting, settings } from "../../src/config-settings.ts";
import { code, type Document, NOTICE, table } from "./document.ts";

export const configuration: Document = { path: "docs/configuration.md", render };

function render(): string {
  const groups = Map.groupBy(settings, ({ path }) => path.slice(0, -1).join("."));
  return [
    "# Configuration",
    NOTICE,
    "Every setting has a default. A configuration file overrides it, and an environment variable overrides both; an " +
      "empty variable counts as absent. `ENTENTE_CONFIG` names the file, in YAML or JSON:",
    "```yaml\ntrustDomain: broker.example\nadminAddress: 127.0.0.1:8440\nlimits:\n  pollsPerSecond: 100\n```",
    "A member that is not listed here, a value that is not allowed, or settings that contradict each other: the " +
      "process says what is wrong and what is allowed, and exits with 78 before it opens anything. So it does when " +
      "`NODE_TLS_REJECT_UNAUTHORIZED` is set. A variable that begins with `ENTENTE_` and is no setting is told of in the " +
      "log, as a warning, since whatever runs the process may set such ones of its own. Paths are relative to the folder in which the process starts. Numbers " +
      "in brackets, such as S36, are rules of the project's security and conformance requirements.",
    ...[...groups].flatMap(([group, members]) => [
      group === "" ? "## Settings" : `## Settings under ${code(group)}`,
      table(["setting", "variable", "default", "what it does", "allowed"], members.map(row)),
    ]),
    "",
  ]
    .join("\n\n")
    .replace(/\n+$/, "\n");
}

const row = ({ path, variable, default: byDefault, description, allowed }: Setting): string[] => [
  code(path.at(-1) ?? ""),
  code(variable),
  byDefault === undefined ? "none" : code(String(byDefault)),
  description,
  allowed,
];
