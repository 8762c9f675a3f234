import type { ActMessage, MeshActs, ReplyMessage } from "./mesh/acts.ts";
import { mintAuthority } from "./mesh/authority.ts";
import { controlPlane } from "./mesh/control-plane.ts";
import type { MeshProfile } from "./mesh/profile.ts";
import { type SteadyCalls, startCalls } from "./mesh/steady-calls.ts";
import { startWorkloads } from "./mesh/workloads.ts";

/** One mesh as a process of its own: its CA, its workloads and its control plane. Told what to do by messages. */
const profile = JSON.parse(process.argv[2] ?? "") as MeshProfile;
const { trustDomain, caKind } = profile;

let made = 1;
let authority = mintAuthority(trustDomain, caKind, "1");
let next = authority;
let calls: SteadyCalls | undefined;
const plane = controlPlane(profile, () => workloads.trustChanged());
const workloads = await startWorkloads({
  profile,
  authority,
  trust: plane.trust,
});

const acts: {
  [A in keyof MeshActs]: (
    asked: Parameters<MeshActs[A]>[0],
  ) => ReturnType<MeshActs[A]> | Promise<ReturnType<MeshActs[A]>>;
} = {
  describe: () => ({ rootPem: authority.rootPem, callee: workloads.callee }),
  makeNextAuthority() {
    made += 1;
    next = mintAuthority(trustDomain, caKind, String(made));
    return { rootPem: next.rootPem };
  },
  issueFromNext() {
    authority = next;
    workloads.reissue(authority);
    return { issued: 2 };
  },
  showSvid() {
    const { chainPem, keyPem } = authority.issue(`spiffe://${trustDomain}${profile.client}`);
    return { certificatePem: `${chainPem.slice(0, chainPem.indexOf("-----END"))}-----END CERTIFICATE-----\n`, keyPem };
  },
  configurePoller({ endpoint }) {
    plane.configure(endpoint);
    return { configured: true };
  },
  poll: ({ trustDomain: wanted }) => plane.poll(wanted),
  trustByHand({ trustDomain: wanted, roots }) {
    plane.trustByHand(wanted, roots);
    return { trusted: roots.length };
  },
  call: ({ callee }) => workloads.call(callee),
  callAs: ({ callee, spiffeId }) => workloads.call(callee, authority.issue(spiffeId)),
  startCalls({ callee, everyMs }) {
    calls = startCalls(workloads.call, callee, everyMs);
    return { started: true };
  },
  async stopCalls() {
    if (!calls) throw new Error("no calls are under way");
    return calls.stop();
  },
};

process.on("message", async ({ id, act, asked }: ActMessage) => {
  let reply: ReplyMessage;
  try {
    reply = { id, value: await acts[act](asked as never) };
  } catch (error) {
    reply = { id, problem: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(reply);
});
// Ctrl-C reaches the whole group; the demo ends its meshes itself, and they end with it.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit());
