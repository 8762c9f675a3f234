import { hash } from "node:crypto";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
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

/** What `serveReference` adds is for anybody. To be called before `requirePermissions`, which asks. */
export function permitReference(app: FastifyInstance): void {
  app.addHook("onRoute", (route) => {
    if (route.url === CONTRACT || route.url === PREFIX || route.url.startsWith(`${PREFIX}/`))
      route.config = { ...route.config, permission: "anybody" };
  });
}

/** Serves `GET /v1/openapi.json` and the reference under `/docs/`, of the routes that are added afterwards. */
export async function serveReference(app: FastifyInstance): Promise<void> {
  let contract: Tagged | undefined;
  app.get(CONTRACT, { schema: { hide: true } }, async (request, reply) => {
    contract ??= withTag(served(app.swagger() as unknown as ContractDocument));
    reply.headers({ etag: contract.tag }).type("application/json; charset=utf-8");
    const known = request.headers["if-none-match"];
    return known !== undefined && names(known, contract.tag) ? reply.code(304).send() : contract.text;
  });
  // The page loads its files from beside it. Relative, for whoever reads it through a proxy that has it under a path.
  app.addHook("onRequest", async ({ url, routeOptions }, reply) => {
    if (routeOptions.url === PREFIX && url.split("?", 1)[0]?.endsWith(PREFIX)) return reply.redirect("docs/", 308);
  });
  await app.register(swaggerUi, {
    routePrefix: PREFIX,
    staticCSP: CSP,
    transformSpecification: (document) => served(document as unknown as ContractDocument) as never,
    transformSpecificationClone: false,
    uiConfig: { deepLinking: true, persistAuthorization: false },
    theme: { title: "Entente admin API" },
  });
}

/** Its server is the broker that serves it, whatever its address. */
const served = (document: ContractDocument): ContractDocument => ({
  ...document,
  servers: [{ url: "/", description: "This broker." }],
});

interface Tagged {
  readonly text: string;
  readonly tag: EntityTag;
}

function withTag(document: ContractDocument): Tagged {
  const text = JSON.stringify(document);
  return { text, tag: `"${hash("sha256", text, "base64url")}"` };
}
