import module from "node:module";
import { join } from "node:path";

// Nothing is imported before the check: under an old Node the database's binding crashes the process (engineering-notes).
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `entente: Node ${process.versions.node} is too old, 22.19 or later is needed. "npm start" uses the right one.`,
  );
  process.exit(78);
}

// Database, key and token files are their owner's alone, whatever writes them (S62).
process.umask(0o077);

// What was compiled at one start is there at the next, where the folder can be written: a third of the start. A thread
// learns of it by its environment alone.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "..", "node_modules", ".cache", "entente");
module.enableCompileCache();

const COMMANDS: Readonly<Record<string, () => Promise<void>>> = {
  async serve() {
    await (await import("./server.ts")).main();
  },
  async migrate() {
    await (await import("./server/migrations.ts")).runMigrations();
  },
  async rekey() {
    await (await import("./server/rekey.ts")).rekey();
  },
};

const { asStartRefusal, StartRefusal } = await import("./start-refusal.ts");
try {
  const [, , name = "serve", ...rest] = process.argv;
  const command = Object.hasOwn(COMMANDS, name) && rest.length === 0 ? COMMANDS[name] : undefined;
  if (!command) {
    const asked = [name, ...rest].join(" ");
    throw new StartRefusal(`"${asked}" is no command; there are ${Object.keys(COMMANDS).join(", ")}; none means serve`);
  }
  await command();
  module.flushCompileCache();
} catch (error) {
  const foreseen = asStartRefusal(error);
  console.error("entente: cannot start");
  console.error(foreseen ? foreseen.message : error);
  // EX_CONFIG for what the operator can mend, EX_SOFTWARE for the rest (L7).
  process.exit(foreseen ? 78 : 70);
}
