import type { ChangeEndpoint, Endpoint, ReadEndpoint } from "./endpoint.ts";
import type { Guard } from "./perform-change.ts";

/**
 * What a change is guarded by: the resource at its path; for a POST the one that it is an action on, or is made under.
 * @throws {Error} at start-up, for something that can be changed and not read: nobody could name its ETag
 */
export function guardOf({ method, path }: ChangeEndpoint, endpoints: readonly Endpoint[]): Guard | undefined {
  const readAt = (at: string) =>
    endpoints.find((each): each is ReadEndpoint => each.method === "GET" && each.path === at && !each.pages);
  if (method === "POST") {
    const resource = readAt(path.replace(/\/[^/]+$/, ""));
    return resource && { resource, isTarget: false };
  }
  const resource = readAt(path);
  if (!resource) throw new Error(`${method} ${path} cannot be guarded: there is no GET of it (L20)`);
  return { resource, isTarget: true };
}
