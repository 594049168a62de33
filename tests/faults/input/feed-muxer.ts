/** Muxes packets into a segment that is complete in itself, as FFmpeg writes each container. */
import { codedSizeOf } from "../../../src/media/coded-size.ts";
import type { VideoCodec } from "../../../src/media/encoded-packet.ts";
import type { ReadMedia } from "../../support/clip-reader.ts";
import { muxFile } from "../../support/file-muxer.ts";
import type { InputContainer } from "./input-feed.ts";

/** Fragments of a fifth of a second, with the times that the packets have. */
const FRAGMENTED = "empty_moov+default_base_moof+frag_discont";

const MUXERS = {
  mpegts: { format: "mpegts", options: { mpegts_copyts: "1", avoid_negative_ts: "disabled" } },
  fmp4: {
    format: "mp4",
    options: { movflags: FRAGMENTED, frag_duration: "200000", avoid_negative_ts: "disabled" },
  },
  matroska: { format: "matroska", options: { cluster_time_limit: "500" } },
} as const satisfies Record<InputContainer, unknown>;

export const CONTENT_TYPES: Readonly<Record<InputContainer, string>> = {
  mpegts: "video/mp2t",
  fmp4: "video/mp4",
  matroska: "video/x-matroska",
};

export function muxSegment({ video, audio }: ReadMedia, container: InputContainer): Uint8Array {
  if (!video) throw new Error("a segment without video");
  const codec = video.codecName as VideoCodec;
  const key = video.packets.find(({ keyFrame }) => keyFrame) ?? video.packets[0];
  const size = (key && codedSizeOf(codec, key.data)) ?? { width: 320, height: 180 };
  const { packets, extradata } = video;
  const sets = extradata.length > 0 ? extradata : (key?.data ?? new Uint8Array(0));
  const own = { codec, ...size, packets, extradata: sets };
  return muxFile({ ...MUXERS[container], video: own, audio });
}
