import type { Brand } from "../../brand.ts";
import { Refusal } from "../../errors.ts";

/** A mesh's globally unique name: an RFC 1123 label, never used twice. */
export type MeshId = Brand<string, "MeshId">;

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether a text has the form of a mesh ID. */
export const isMeshId = (text: string): text is MeshId => LABEL.test(text);

/**
 * @param pointer JSON pointer of the member it came from
 * @throws {Refusal} `invalid-mesh-id`
 */
export function parseMeshId(text: string, pointer = ""): MeshId {
  if (!isMeshId(text))
    throw new Refusal("invalid-mesh-id", `"${text.slice(0, 80)}" is not an RFC 1123 label`, { pointer });
  return text;
}
