import { afterAll, expect, it } from "vitest";
import { rawConnection } from "../support/raw-connection.ts";
import { runBroker } from "../support/running-broker.ts";

const broker = await runBroker();
afterAll(() => broker.remove());

const BODY = JSON.stringify({ trustDomain: "patient.example" });

/** A client that sends its body once it is told that it is wanted (RFC 9110, 10.1.1). */
async function expecting(path: string, headers: readonly string[]) {
  const connection = await rawConnection(broker.addresses.admin);
  const head = ["Host: 127.0.0.1", "Expect: 100-continue", `Content-Length: ${BODY.length}`, ...headers];
  connection.socket.write(`POST ${path} HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n`);
  return connection;
}

const JSON_TYPE = "Content-Type: application/json";

it("S4: a request without a credential is refused before its body is asked for, and its connection ends with it", async () => {
  const { closed } = await expecting("/v1/invitations", [JSON_TYPE]);
  const said = await closed;
  expect(said).toMatch(/^HTTP\/1\.1 401 /);
  // The body may come all the same or not at all: where the next request begins is in doubt.
  expect(said.toLowerCase()).toContain("\r\nconnection: close\r\n");
  expect(said).not.toContain("100 Continue");
});

it("S4: no body is asked for where there is nothing to send it to", async () => {
  const { closed } = await expecting("/v1/nothing", [JSON_TYPE]);
  expect(await closed).toMatch(/^HTTP\/1\.1 404 /);
});

it("S4: a request with a credential that may do it is told to go on, and its body is taken", async () => {
  const authorization = `Authorization: Bearer ${broker.operatorToken}`;
  const { socket, until } = await expecting("/v1/invitations", [JSON_TYPE, authorization]);
  expect(await until("\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  socket.write(BODY);
  const said = await until("}");
  expect(said).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
  expect(said.toLowerCase()).not.toContain("connection: close");
  socket.destroy();
});
