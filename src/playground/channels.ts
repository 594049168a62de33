/** Recognises this server's own trickle channels in URLs. */
import type { Stream } from "./api.ts";

/** The embedded trickle server's address as the server itself reaches it. */
export const ownChannels = document.body.dataset["channels"] ?? `${location.origin}/trickle`;

/** Path of the stream's output channel; null if another server has it. */
export const channelOf = ({ stream_url: url }: Stream): string | null =>
  url === null ? null : localChannel(url);

/** Path of a channel; null if it is another server's. */
export function localChannel(url: string): string | null {
  const parsed = URL.parse(url, location.origin);
  if (!parsed?.pathname.startsWith("/trickle/")) return null;
  const here = [location.origin, new URL(ownChannels).origin];
  const sameServer = here.includes(parsed.origin) || isLoopbackHere(parsed);
  return sameServer ? parsed.pathname.replace(/\/+$/, "") : null;
}

/** `localhost` and `127.0.0.1` name the same server if the ports agree. */
function isLoopbackHere({ hostname, port }: URL): boolean {
  return (
    ["localhost", "127.0.0.1", "[::1]"].includes(hostname) && port === new URL(ownChannels).port
  );
}
