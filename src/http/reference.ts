import { hash } from "node:crypto";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { stringify } from "yaml";
import "./request-context.ts";
import type { ContractDocument } from "./contract-document.ts";
import { type EntityTag, names } from "./entity-tag.ts";

/** What `serveReference` adds, for who says which methods a path answers to. */
export const REFERENCE_ROUTES = [
  "/v1/openapi.json",
  "/docs",
  "/docs/",
  "/docs/json",
  "/docs/yaml",
  "/docs/static/{file}",
].map((path) => ({ method: "GET", path }));

const PREFIX = "/docs";
const CONTRACT = "/v1/openapi.json";

/**
 * Nothing but the page's own files, and no inline script (S54). Trusted Types do not fit: the page writes Markdown as HTML.
 * Images are also in the style sheet itself.
 */
const CSP = {
  "default-src": "'none'",
  "script-src": "'self'",
  "style-src": "'self'",
  "img-src": "'self' data:",
  "connect-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
};

/** The fastest to make. */
const YAML = { aliasDuplicateObjects: false, lineWidth: 0 };

/** What `serveReference` adds is for anybody. To be called before `requirePermissions`, which asks. */
export function permitReference(app: FastifyInstance): void {
  app.addHook("onRoute", (route) => {
    if (route.url === CONTRACT || route.url === PREFIX || route.url.startsWith(`${PREFIX}/`))
      route.config = { ...route.config, permission: "anybody" };
  });
}

/** Serves `GET /v1/openapi.json` and the reference under `/docs/`, of the routes that are added afterwards. */
export async function serveReference(app: FastifyInstance): Promise<void> {
  const contract = () => served(app.swagger() as unknown as ContractDocument);
  const json = madeOnce("application/json; charset=utf-8", () => JSON.stringify(contract()));
  const yaml = madeOnce("application/x-yaml", () => stringify(contract(), YAML));
  app.get(CONTRACT, { schema: { hide: true } }, async (request, reply) => send(request, reply, json()));
  // The page loads its files from beside it. Relative, for whoever reads it through a proxy that has it under a path.
  app.addHook("onRequest", async ({ url, routeOptions }, reply) => {
    if (routeOptions.url === PREFIX && url.split("?", 1)[0]?.endsWith(PREFIX)) return reply.redirect("docs/", 308);
  });
  await app.register(swaggerUi, {
    routePrefix: PREFIX,
    staticCSP: CSP,
    // It would make the text anew for each request.
    uiHooks: {
      async onRequest(request: FastifyRequest, reply: FastifyReply) {
        const { url } = request.routeOptions;
        if (url === `${PREFIX}/json`) return send(request, reply, json());
        if (url === `${PREFIX}/yaml`) return send(request, reply, yaml());
      },
    },
    uiConfig: { deepLinking: true, persistAuthorization: false },
    theme: { title: "Entente admin API" },
  });
}

/** Its server is the broker that serves it, whatever its address. */
const served = (document: ContractDocument): ContractDocument => ({
  ...document,
  servers: [{ url: "/", description: "This broker." }],
});

/** The contract as it leaves. */
interface Rendered {
  readonly type: string;
  readonly bytes: Buffer;
  readonly tag: EntityTag;
}

/** Made when it is first asked for, and kept: it takes long, and anybody may ask, however often. */
function madeOnce(type: string, render: () => string): () => Rendered {
  let made: Rendered | undefined;
  return () => {
    made ??= rendered(type, Buffer.from(render()));
    return made;
  };
}

const rendered = (type: string, bytes: Buffer): Rendered => ({
  type,
  bytes,
  tag: `"${hash("sha256", bytes, "base64url")}"`,
});

function send({ headers }: FastifyRequest, reply: FastifyReply, { type, bytes, tag }: Rendered): FastifyReply {
  reply.header("etag", tag).type(type);
  const known = headers["if-none-match"];
  return known !== undefined && names(known, tag) ? reply.code(304).send() : reply.send(bytes);
}
