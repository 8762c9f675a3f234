import { isIPv6 } from "node:net";
import { Refusal } from "./errors.ts";

/** Where a listener binds. `host` is without brackets; port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([a-zA-Z0-9.-]+)):(\d{1,5})$/;

/**
 * Reads `host:port`, an IPv6 host in brackets.
 * @throws {Refusal} `invalid-request`
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, ipv6, name, port] = ADDRESS.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined || Number(port) > 65_535 || (ipv6 !== undefined && !isIPv6(ipv6))) {
    throw new Refusal("invalid-request", `"${text.slice(0, 300)}" is not a host and a port`);
  }
  return { host, port: Number(port) };
}

/** The address as it is written: `127.0.0.1:8440`, `[::1]:8440`. */
export const formatListenAddress = ({ host, port }: ListenAddress): string =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`;
