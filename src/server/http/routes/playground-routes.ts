/** Serves the playground: one page that loads nothing from another host. */
import { randomBytes } from "node:crypto";
import { Elysia } from "elysia";
import { connectOrigin } from "../../hosts/own-address.ts";
import type { AccessPolicy } from "../access/access-policy.ts";
import { playgroundPage } from "./playground-bundle.ts";

/** Content security policy: the page may load from and ask this server alone. */
const policy = (nonce: string) =>
  [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    "style-src 'unsafe-inline'",
    "img-src data: blob:",
    "media-src blob: mediastream:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join("; ");

export const playgroundRoutes = (access: AccessPolicy) =>
  new Elysia({ name: "playground-routes" }).get(
    "/",
    async ({ request, server }) => {
      const channels = ownChannels(server) ?? `${new URL(request.url).origin}/trickle`;
      const nonce = randomBytes(16).toString("base64url");
      const page = (await playgroundPage())
        .replace("{channels}", () => Bun.escapeHTML(channels))
        .replace("{token}", () => access.pageToken({ request, server }) ?? "")
        .replace("{nonce}", () => nonce);
      return new Response(page, {
        headers: {
          "content-type": "text/html;charset=utf-8",
          "content-security-policy": policy(nonce),
          "cache-control": "no-store",
          "referrer-policy": "no-referrer",
        },
      });
    },
    { ...access.open, detail: { hide: true } },
  );

/**
 * The URL of the embedded trickle server as the server itself reaches it. The page's own address would not do: behind a
 * proxy or a published container port, the server listens at another one.
 */
function ownChannels(
  server: { hostname?: string | undefined; port?: number | undefined } | null,
): string | null {
  const { hostname, port } = server ?? {};
  if (hostname === undefined || port === undefined) return null;
  return `${connectOrigin({ host: hostname, port })}/trickle`;
}
