/** Tells which running streams can be watched on this page. */
import type { Stream } from "./api.ts";
import { channelOf, localChannel } from "./channels.ts";

export const isLive = ({ status }: Stream): boolean => status === "starting" || status === "active";

/** The running streams whose output is on this server, without those that are shown as the input of another. */
export function watchable(streams: readonly Stream[]): Stream[] {
  const inputs = streams.map(({ input_url: url }) => (url === null ? null : localChannel(url)));
  return streams.filter((stream) => {
    const channel = channelOf(stream);
    return isLive(stream) && channel !== null && !inputs.includes(channel);
  });
}
