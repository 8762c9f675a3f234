// Checks that imports run in the direction of the layers; exits 1 and says where they do not.
import { join } from "node:path";
import { readModules } from "./imports/module-graph.ts";
import { importFaults } from "./imports/rules.ts";

const modules = readModules(join(import.meta.dirname, ".."));
const faults = importFaults(modules);
for (const fault of faults) console.error(fault);
console.log(`${modules.length} modules, ${faults.length} faults`);
process.exitCode = faults.length === 0 && modules.length > 0 ? 0 : 1;
