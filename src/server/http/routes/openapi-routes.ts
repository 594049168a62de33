/** Serves the API's description, generated from the schemas, and a viewer for it that loads nothing from another host. */
import { openapi } from "@elysiajs/openapi";
import { Elysia } from "elysia";
import style from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import script from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import type { AccessPolicy } from "../access/access-policy.ts";
import { TAGS } from "../schemas/openapi.ts";

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>comfystream-byoc API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/openapi/viewer.css">
</head>
<body>
<div id="viewer"></div>
<script src="/openapi/viewer.js"></script>
<script>SwaggerUIBundle({ url: "/openapi/json", dom_id: "#viewer", validatorUrl: null });</script>
</body>
</html>
`;

/** Routes that the plugin adds by itself; open to all. */
export const PLUGIN_PATHS = ["/openapi/json"];

export const openapiRoutes = (access: AccessPolicy, version: string) => {
  const hidden = { ...access.open, detail: { hide: true } };
  return new Elysia({ name: "openapi-routes" })
    .use(
      openapi({
        path: "/openapi",
        specPath: "/openapi/json",
        provider: null,
        exclude: { paths: [/^\/trickle\//] },
        documentation: {
          info: {
            title: "comfystream-byoc",
            version,
            description:
              "A live AI-video worker of the Livepeer network. Every failure has the same body; a method that a path does not support is answered 405, with the supported ones in `Allow`.",
          },
          tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
          components: {
            securitySchemes: {
              token: {
                type: "http",
                scheme: "bearer",
                description:
                  "API_TOKEN, or CAPABILITY_TOKEN on the routes for orchestrators; only where the server has one",
              },
            },
          },
        },
      }),
    )
    .get("/openapi", () => asset(PAGE, "text/html;charset=utf-8"), hidden)
    .get("/openapi/viewer.js", () => asset(Bun.file(script), "text/javascript"), hidden)
    .get("/openapi/viewer.css", () => asset(Bun.file(style), "text/css"), hidden);
};

const asset = (body: string | Bun.BunFile, type: string) =>
  new Response(body, { headers: { "content-type": type } });
