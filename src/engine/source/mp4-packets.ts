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
import type { LoadedSample } from "./mp4-samples.ts";
import type { AudioEntry, VideoEntry } from "./mp4-track.ts";

/** Null for samples of an entry that cannot be read. The packet has a copy of the data. */
export function packetOf(sample: LoadedSample, arrivedAt: number): EncodedPacket | null {
  const { track, entry: number } = sample.run;
  const entry = track.entries[number - 1] ?? track.entries[0];
  if (entry?.kind === "video") return videoPacket(sample, entry, arrivedAt);
  return entry?.kind === "audio" ? audioPacket(sample, entry, arrivedAt) : null;
}

const ticksOf = ({ run }: LoadedSample, time: number): number =>
  Math.round((time * TICKS_PER_SECOND) / run.track.timescale);

const timeOf = (sample: LoadedSample, time: number): Ticks =>
  ticks(ticksOf(sample, time) + sample.run.track.shift);

function videoPacket(sample: LoadedSample, entry: VideoEntry, arrivedAt: number): VideoPacket {
  const { codec, lengthBytes, parameterSets } = entry;
  const { run, dts, data } = sample;
  const { orientation } = run.track;
  const pixelAspect = entry.pixelAspect ?? run.track.pixelAspect;
  const keyFrame = lengthBytes > 0 ? isKeyFrame(sample, entry) : run.sync;
  return {
    kind: "video",
    codec,
    data: lengthBytes > 0 ? annexB(data, lengthBytes, keyFrame ? parameterSets : []) : data.slice(),
    pts: timeOf(sample, dts + run.offset),
    dts: timeOf(sample, dts),
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
 * "sync" for all or for none, so the first slice decides; a flag only counts for an I slice that is not IDR.
 */
function isKeyFrame({ run, data }: LoadedSample, entry: VideoEntry): boolean {
  const { codec, lengthBytes } = entry;
  const reader = SLICES[codec];
  for (let at = 0; at + lengthBytes < data.length; ) {
    let length = 0;
    for (let byte = 0; byte < lengthBytes; byte++) length = length * 256 + (data[at + byte] ?? 0);
    at += lengthBytes;
    const nal = data.subarray(at, at + Math.min(length, SLICE_HEADER_BYTES));
    if (reader?.isSlice(nal)) {
      const unit = reader.read(nal);
      return unit.role === "slice" && (unit.slice.randomAccess || (run.sync && unit.slice.intra));
    }
    at += length;
  }
  return false;
}

function audioPacket(sample: LoadedSample, entry: AudioEntry, arrivedAt: number): AudioPacket {
  const { run, dts, data } = sample;
  return {
    kind: "audio",
    ...formatOf(entry, data),
    data: data.slice(),
    pts: timeOf(sample, dts + run.offset),
    duration: ticks(ticksOf(sample, run.duration)),
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
