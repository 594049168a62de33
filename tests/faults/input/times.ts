/** Faults of time: timestamps that jump, wrap, stand still or lie before zero. */
import type { ReadMedia, ReadPacket, ReadTrack } from "../../support/clip-reader.ts";
import { moved } from "./clip-feed.ts";
import { type InputFault, plainFault } from "./input-fault.ts";

const SECOND = 90_000;
/** Timestamps of MPEG-TS have 33 bits. */
const WRAP = 2 ** 33;

export const times: readonly InputFault[] = [
  plainFault("time an hour ahead", ({ media, mux }) => [mux(moved(media, 3600 * SECOND))]),
  plainFault("time five minutes ahead", ({ media, mux }) => [mux(moved(media, 300 * SECOND))]),
  plainFault("time five seconds ahead", ({ media, mux }) => [mux(moved(media, 5 * SECOND))]),
  plainFault("time back to the start with every segment", ({ media, mux }) => [
    mux(moved(media, SECOND - firstOf(media))),
  ]),
  plainFault("time that jumps to and fro", ({ media, mux, index }) => [
    mux(moved(media, index % 2 === 0 ? 1800 * SECOND : 0)),
  ]),
  plainFault("MPEG-TS whose time wraps at 33 bits", ({ media, mux, index }) => [
    mux(moved(media, WRAP - firstOf(media) - SECOND / 2 + index * SECOND), "mpegts"),
  ]),
  plainFault("MPEG-TS whose time begins before zero", ({ media, mux, index }) => [
    mux(moved(media, (index - 20) * SECOND - firstOf(media)), "mpegts"),
  ]),
  plainFault("pictures a tick apart", ({ media, mux }) => [
    mux({
      ...media,
      video: restamped(media.video, (_, index) => firstOf(media) + index),
    }),
  ]),
  plainFault("pictures six seconds apart", ({ media, mux, index: segment }) => [
    mux({
      ...media,
      video: restamped(
        media.video,
        (_, index) => firstOf(media) + segment * 72 * SECOND + index * 6 * SECOND,
      ),
    }),
  ]),
  plainFault("sound a minute away from the pictures", ({ media, mux }) => [
    mux({ video: media.video, audio: moved(media, 60 * SECOND).audio }),
  ]),
  plainFault("MPEG-TS with all pictures at one time", ({ media, mux }) => [
    atOneTime(mux(media, "mpegts")),
  ]),
];

const firstOf = ({ video }: ReadMedia): number => video?.packets[0]?.dts ?? 0;

const restamped = (
  track: ReadTrack | null,
  time: (packet: ReadPacket, index: number) => number,
): ReadTrack | null =>
  track && {
    ...track,
    packets: track.packets.map((packet, index) => {
      const dts = time(packet, index);
      return { ...packet, pts: dts, dts };
    }),
  };

/** A transport stream in which each timestamp of a PES is that of the first (ISO/IEC 13818-1 §2.4.3.6). */
function atOneTime(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  let stamp: Uint8Array | null = null;
  for (let at = 0; at + 188 <= changed.length; at += 188) {
    const startsUnit = ((changed[at + 1] ?? 0) & 0x40) !== 0;
    const hasField = ((changed[at + 3] ?? 0) & 0x20) !== 0;
    const pes = at + 4 + (hasField ? 1 + (changed[at + 4] ?? 0) : 0);
    const isPes = changed[pes] === 0 && changed[pes + 1] === 0 && changed[pes + 2] === 1;
    if (!startsUnit || !isPes || ((changed[pes + 7] ?? 0) & 0x80) === 0) continue;
    stamp ??= changed.slice(pes + 10, pes + 14);
    changed.set(stamp, pes + 10);
    if (((changed[pes + 7] ?? 0) & 0x40) !== 0) changed.set(stamp, pes + 15);
  }
  return changed;
}
