import type { FastifyInstance } from "fastify";
import { Refusal } from "../errors.ts";
import { hostOf } from "../host-header.ts";
import { hostInTarget } from "../request-target.ts";

/**
 * A name that is not ours was pointed at us by somebody else's DNS, and a page of theirs may be what asks (S55). The address
 * that the connection came to is always ours.
 * @param hosts names and addresses that the listener's certificate may be known by
 */
export function checkHosts(app: FastifyInstance, hosts: ReadonlySet<string>): void {
  app.addHook("onRequest", async ({ originalUrl, headers, socket }) => {
    // A request of HTTP/1.1 has one, and no browser sends an older one.
    if (headers.host === undefined) return;
    // RFC 9112, 3.2.2: where the target is a whole URL, its host is what is asked for.
    const host = hostOf(hostInTarget(originalUrl) ?? headers.host);
    if (host === null || !(hosts.has(host) || host === plainAddress(socket.localAddress)))
      throw new Refusal("misdirected-request", "the Host header names another host");
  });
}

/** An IPv4 address that an IPv6 socket took is written as one. */
const plainAddress = (address: string | undefined): string | undefined => address?.replace(/^::ffff:(?=\d)/, "");
