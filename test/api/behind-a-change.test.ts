import { afterAll, expect, it } from "vitest";
import { rawConnection } from "../support/raw-connection.ts";
import { registerMesh, runBroker } from "../support/running-broker.ts";
import { UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const { token } = await registerMesh(broker, "shop");

/** What makes a poller, whose secret is shown by its answer alone. */
function making(name: string, more = ""): string {
  const body = JSON.stringify({ name });
  const head = [
    "POST /v1/meshes/shop/pollers HTTP/1.1",
    "Host: localhost",
    `Authorization: Bearer ${token}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
  ];
  return `${head.join("\r\n")}\r\n${more}\r\n${body}`;
}

it.each([
  ["a NUL", "\0"],
  ["what is no request", "once upon a time\r\n\r\n"],
  ["a tunnel's request", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a request of another version", "GET / HTTP/9\r\n\r\n"],
  ["a request after the last one", "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", "Connection: close\r\n"],
])(
  "a change is answered with what it did, and nothing else, though %s is behind it",
  async (name, behind, more = "") => {
    const { socket, closed } = await rawConnection(broker.addresses.admin);
    socket.write(making(name, more) + behind);
    expect((await closed).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 201"]);
  },
);

it("requests before what is none are all answered, each with its own", async () => {
  const { socket, closed } = await rawConnection(broker.addresses.admin);
  socket.write(`${making("one")}${making("two")}once upon a time\r\n\r\n`);
  const said = await closed;
  expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 201", "HTTP/1.1 201"]);
});

it("behind its answer it is told of, as at the beginning of a connection", async () => {
  const { socket, until, closed } = await rawConnection(broker.addresses.admin);
  socket.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await until('"ok"');
  socket.write("once upon a time\r\n\r\n");
  expect((await closed).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
});
