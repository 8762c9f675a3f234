import { readFileSync } from "node:fs";

const LISTENING = "0A";

/**
 * How many connections to this port of loopback, of this client's address, some process still holds a socket of, on the side
 * that accepted them. As the system knows it: what Node has forgotten counts too.
 */
export function heldConnections(port: number, client: string): number {
  const listener = `${inKernel("127.0.0.1")}:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "latin1")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, remote = "", state, , , , , , inode]) => {
      const isOurs = local === listener && remote.startsWith(`${inKernel(client)}:`);
      return isOurs && state !== LISTENING && inode !== "0";
    }).length;
}

/** An IPv4 address as the kernel prints it: its last octet first. */
const inKernel = (address: string): string =>
  address
    .split(".")
    .toReversed()
    .map((octet) => Number(octet).toString(16).toUpperCase().padStart(2, "0"))
    .join("");
