/** Turns the samples of a fragment into packets: Annex B for H.264 and H.265, times in ticks. */
import { annexB } from "../../media/annex-b.ts";
import type {
  AudioPacket,
  EncodedPacket,
  VideoCodec,
  VideoPacket,
} from "../../media/encoded-packet.ts";
import { H264NalReader } from "../../media/h264.ts";
import { HevcNalReader } from "../../media/hevc.ts";
import { readMpegAudioHeader } from "../../media/mpeg-audio.ts";
import { type NalReader, SLICE_HEADER_BYTES } from "../../media/nal-reader.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../media/time.ts";
import type { AudioEntry, VideoEntry } from "./mp4-entries.ts";
import type { Mp4Sample } from "./mp4-fragment.ts";

/** Null for samples of an entry that cannot be read, or without data. `data` may be a view. */
export function packetOf(
  sample: Mp4Sample,
  data: Uint8Array,
  arrivedAt: number,
): EncodedPacket | null {
  const entry = sample.track.entries[sample.entry - 1] ?? sample.track.entries[0];
  if (!entry || data.length === 0) return null;
  if (entry.kind === "video") return videoPacket(sample, entry, data, arrivedAt);
  return entry.kind === "audio" ? audioPacket(sample, entry, data, arrivedAt) : null;
}

const ticksOf = ({ track }: Mp4Sample, time: number): number =>
  Math.round((time * TICKS_PER_SECOND) / track.timescale);

const timeOf = (sample: Mp4Sample, time: number): Ticks =>
  ticks(ticksOf(sample, time) + sample.track.shift);

function videoPacket(
  sample: Mp4Sample,
  entry: VideoEntry,
  data: Uint8Array,
  arrivedAt: number,
): VideoPacket {
  const { codec, lengthBytes, parameterSets, pixelAspect } = entry;
  const { orientation } = sample.track;
  const keyFrame = lengthBytes > 0 ? isKeyFrame(sample, entry, data) : sample.sync;
  return {
    kind: "video",
    codec,
    data: lengthBytes > 0 ? annexB(data, lengthBytes, keyFrame ? parameterSets : []) : data.slice(),
    pts: timeOf(sample, sample.dts + sample.offset),
    dts: timeOf(sample, sample.dts),
    keyFrame,
    ...(orientation && { orientation }),
    ...(pixelAspect && { pixelAspect }),
    arrivedAt,
  };
}

/** Slices are read without their parameter sets, so these readers remember nothing. */
const SLICES: Readonly<Partial<Record<VideoCodec, NalReader>>> = {
  h264: new H264NalReader(),
  hevc: new HevcNalReader(),
};

/**
 * Whether decoding can begin at this sample. Many senders leave the flags of samples at their default,
 * "sync" for all or for none, so the first slice decides; flags only vouch for an I slice that is no IDR.
 */
function isKeyFrame({ sync }: Mp4Sample, entry: VideoEntry, data: Uint8Array): boolean {
  const { codec, lengthBytes } = entry;
  const reader = SLICES[codec];
  for (let at = 0; at + lengthBytes < data.length; ) {
    let length = 0;
    for (let byte = 0; byte < lengthBytes; byte++) length = length * 256 + (data[at + byte] ?? 0);
    at += lengthBytes;
    const nal = data.subarray(at, at + Math.min(length, SLICE_HEADER_BYTES));
    if (reader?.isSlice(nal)) {
      const unit = reader.read(nal);
      return unit.role === "slice" && (unit.slice.randomAccess || (sync && unit.slice.intra));
    }
    at += length;
  }
  return false;
}

function audioPacket(
  sample: Mp4Sample,
  entry: AudioEntry,
  data: Uint8Array,
  arrivedAt: number,
): AudioPacket {
  return {
    kind: "audio",
    ...formatOf(entry, data),
    data: data.slice(),
    pts: timeOf(sample, sample.dts + sample.offset),
    duration: ticks(ticksOf(sample, sample.duration)),
    arrivedAt,
  };
}

/** MP4 has one name for all layers of MPEG audio: frames tell which. */
function formatOf({ format }: AudioEntry, data: Uint8Array): AudioEntry["format"] {
  const header = format.codec === "mp3" ? readMpegAudioHeader(data, 0) : null;
  if (!header) return format;
  const { layer, sampleRate, channels } = header;
  return { codec: layer === 3 ? "mp3" : "mp2", sampleRate, channels };
}
