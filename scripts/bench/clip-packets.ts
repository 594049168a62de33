/** Takes the video packets out of a clip. */
import { TsDemuxer } from "../../src/engine/source/ts/demux.ts";
import type { VideoPacket } from "../../src/media/encoded-packet.ts";

/** One packet a frame, in their order. */
export function packetsOf(units: readonly Uint8Array[]): VideoPacket[] {
  const demuxer = new TsDemuxer();
  const found = [...units.map((unit) => demuxer.push(unit, 0)), demuxer.endSegment(0)].flat();
  return found.filter((packet) => packet.kind === "video");
}
