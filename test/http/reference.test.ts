import swagger from "@fastify/swagger";
import Fastify from "fastify";
import { expect, it, vi } from "vitest";
import { serveReference } from "../../src/http/reference.ts";

/** The reference of a contract that counts how often its text is made. */
async function countedReference() {
  let renderings = 0;
  const info = {
    toJSON(): object {
      renderings += 1;
      return { title: "counted", version: "1" };
    },
  };
  const app = Fastify();
  await app.register(swagger);
  vi.spyOn(app, "swagger").mockReturnValue({ openapi: "3.1.0", info, servers: [], paths: {} } as never);
  await serveReference(app);
  return { app, renderings: () => renderings };
}

it.each([["/v1/openapi.json"], ["/docs/json"], ["/docs/yaml"]])(
  "%s is made once, whoever asks how often: nobody needs a credential for it",
  async (path) => {
    const { app, renderings } = await countedReference();
    const texts = new Set<string>();
    for (let n = 0; n < 5; n += 1) texts.add((await app.inject(path)).body);
    await app.inject({ method: "HEAD", url: path });
    expect(renderings()).toBe(1);
    expect([...texts]).toEqual([expect.stringContaining("counted")]);
    await app.close();
  },
);

it("the contract in JSON is the same bytes under both of its paths", async () => {
  const { app, renderings } = await countedReference();
  const [one, other] = [await app.inject("/v1/openapi.json"), await app.inject("/docs/json")];
  expect(other.body).toBe(one.body);
  expect(other.headers.etag).toBe(one.headers.etag);
  expect(renderings()).toBe(1);
  await app.close();
});
