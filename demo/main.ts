const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `demo: Node ${process.versions.node} is too old, 22.19 or later is needed. "npm run demo" uses the right one.`,
  );
  process.exit(78);
}

// Tokens, keys and request bodies in the temporary folder are their owner's alone (S62).
process.umask(0o077);

const { readArguments, USAGE } = await import("./arguments.ts");
const asked = readArguments(process.argv.slice(2));
if (asked.kind === "play") {
  const { play } = await import("./play.ts");
  process.exitCode = await play({ keep: asked.keep });
} else {
  const wrong = asked.kind === "wrong";
  (wrong ? console.error : console.log)(wrong ? `demo: ${asked.problem}\n${USAGE}` : USAGE);
  process.exitCode = wrong ? 2 : 0;
}

export {};
