/** Hides which trickle channels are this server's own, however they are spelled. */
import type { Stream } from "./api.ts";

/** The embedded trickle server as the server reaches itself. */
export const ownChannels = document.body.dataset["channels"] ?? `${location.origin}/trickle`;

/** Path of the stream's channel if this server has it. */
export const channelOf = ({ stream_url: url }: Stream): string | null =>
  url === null ? null : localChannel(url);

export function localChannel(url: string): string | null {
  const parsed = URL.parse(url, location.origin);
  if (!parsed?.pathname.startsWith("/trickle/")) return null;
  const here = [location.origin, new URL(ownChannels).origin];
  const sameServer = here.includes(parsed.origin) || isLoopbackHere(parsed);
  return sameServer ? parsed.pathname.replace(/\/+$/, "") : null;
}

/** `localhost` and `127.0.0.1` are one where the ports are. */
function isLoopbackHere({ hostname, port }: URL): boolean {
  return (
    ["localhost", "127.0.0.1", "[::1]"].includes(hostname) && port === new URL(ownChannels).port
  );
}
