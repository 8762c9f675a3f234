/**
 * What counts as one address for limits: an IPv4 address, also in its IPv6-mapped form, or the /64 of an IPv6 address
 * (S28, S36, S59). Takes what `socket.remoteAddress` gives.
 */
export function addressKey(address: string): string {
  const mapped = address.startsWith("::ffff:") && address.includes(".");
  if (mapped) return address.slice("::ffff:".length);
  if (!address.includes(":")) return address;
  const [head = "", tail] = withoutZone(address).split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const last = tail === "" ? [] : tail.split(":");
    while (groups.length + last.length < 8) groups.push("0");
    groups.push(...last);
  }
  return `${groups.slice(0, 4).join(":")}::/64`;
}

const withoutZone = (address: string): string => address.split("%", 1)[0] ?? address;
