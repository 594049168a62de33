/** Reads how deep a stream reorders: how many pictures may precede one in decode order and follow it in presentation order. */
import type { VideoCodec } from "./encoded-packet.ts";
import { h264ReorderDepth } from "./h264.ts";
import { hevcReorderDepth } from "./hevc.ts";

/** As the parameter sets (NAL units) of a stream say; 0 if they do not say it, or the codec never reorders. */
export function reorderDepthOf(codec: VideoCodec, parameterSets: readonly Uint8Array[]): number {
  if (codec !== "h264" && codec !== "hevc") return 0;
  const read = codec === "h264" ? h264ReorderDepth : hevcReorderDepth;
  return Math.max(0, ...parameterSets.map((set) => read(set) ?? 0));
}
