import { Refusal } from "../errors.ts";
import { pointerStep } from "../json/pointer.ts";

const PRIVATE_MEMBERS: ReadonlySet<string> = new Set(["d", "p", "q", "dp", "dq", "qi", "k", "oth"]);

/**
 * Refuses a JWK, JWK set or bundle that holds private key material at any depth (S13, R85). `json` is a parsed JSON
 * value of bounded depth; the refusal's pointer names the member and its message never quotes the value.
 * @throws {Refusal} `private-key-submitted`
 */
export function refusePrivateMembers(json: unknown, pointer = ""): void {
  if (typeof json !== "object" || json === null) return;
  for (const [name, member] of Object.entries(json)) {
    const at = pointer + pointerStep(name);
    if ((!Array.isArray(json) && PRIVATE_MEMBERS.has(name)) || (name === "kty" && member === "oct")) {
      throw new Refusal("private-key-submitted", "The document holds a private or symmetric key", { pointer: at });
    }
    refusePrivateMembers(member, at);
  }
}
