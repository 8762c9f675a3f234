const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const REQUEST_LINE = new RegExp(`^${TOKEN} [!-~]+ HTTP/1\\.[01]\r?\n`);

/**
 * Whether bytes that Node's parser stopped at begin as a request does (RFC 9112, 3): it takes the first letter that no
 * method of its own has for an unknown method, whatever follows.
 */
export const beginsARequest = (packet: Buffer | undefined): boolean =>
  packet !== undefined && REQUEST_LINE.test(packet.toString("latin1"));
