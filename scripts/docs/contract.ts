import { pino } from "pino";
import { buildApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config.ts";
import type { StoredBroker } from "../../src/features/broker.ts";
import { type ContractDocument, finishContract, type OperationExamples } from "../../src/http/contract-document.ts";
import { recordExamples } from "./examples/record.ts";
import { UNHINDERED } from "./examples/still-broker.ts";

interface Contract {
  readonly document: ContractDocument;
  readonly examples: OperationExamples;
}

let made: Promise<Contract> | undefined;

/** The contract, from the endpoints themselves and from a story that calls each of them; made once a process. */
export const contract = (): Promise<Contract> => (made ??= makeContract());

async function makeContract(): Promise<Contract> {
  const examples = await recordExamples();
  const app = await buildApp({
    broker: {} as StoredBroker,
    health: { unreadiness: async () => [], metrics: async () => "" },
    ...UNHINDERED,
    limits: loadConfig({}, () => "").limits,
    logger: pino({ level: "silent" }),
    newRequestId: () => "",
  });
  const document = app.swagger() as unknown as ContractDocument;
  await app.close();
  return { document: finishContract(document, examples), examples };
}
