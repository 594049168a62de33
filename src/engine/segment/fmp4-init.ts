/** What stands at the head of every fMP4 segment: `ftyp` and `moov`, written by mp4box (facts.md 5). */
import { BoxParser, createFile, type ISOFile } from "mp4box";
import { NAL_PPS, NAL_SPS, nalType, splitNals } from "../../media/annex-b.ts";
import type { AudioPacket, VideoFormat } from "../../media/encoded-packet.ts";
import { TICKS_PER_SECOND } from "../../media/time.ts";

/** Codec and shape of an audio track; a change of any member is a new track. */
export type AudioFormat = Pick<AudioPacket, "codec" | "sampleRate" | "channels">;

/** A file that fragments can be made for, and its head. */
export interface Fmp4Init {
  readonly file: ISOFile;
  readonly bytes: Uint8Array;
  readonly videoTrack: number;
  readonly audioTrack: number | null;
}

const AAC_SAMPLE_RATES = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];

/** A `moov` with a video track at 90 kHz and, where there is audio, a track at its sample rate. */
export function initSegment(video: VideoFormat, audio: AudioFormat | null): Fmp4Init {
  const file = createFile();
  file.init({ brands: ["iso5", "iso6", "avc1", "mp41"], timescale: 1000 });
  const videoTrack = file.addTrack({
    type: "avc1",
    width: video.width,
    height: video.height,
    timescale: TICKS_PER_SECOND,
    language: "und",
    name: "video",
    avcDecoderConfigRecord: avcDecoderConfig(video.parameterSets),
  });
  const audioTrack = audio ? addAudioTrack(file, audio) : null;
  const stream = file.getBuffer();
  return {
    file,
    bytes: new Uint8Array(stream.buffer, 0, stream.byteLength).slice(),
    videoTrack,
    audioTrack,
  };
}

function addAudioTrack(file: ISOFile, audio: AudioFormat): number {
  const track = file.addTrack({
    type: audio.codec === "aac" ? "mp4a" : "Opus",
    hdlr: "soun",
    name: "audio",
    timescale: audio.sampleRate,
    language: "und",
    channel_count: audio.channels,
    samplesize: 16,
    samplerate: audio.sampleRate,
    description: audio.codec === "aac" ? aacDescription(audio) : opusDescription(audio),
  });
  const box = file.getTrackById(track);
  box.tkhd.width = 0;
  box.tkhd.height = 0;
  return track;
}

/** ISO/IEC 14496-15 §5.3.3.1: profile, levels, 4-byte lengths, and the sets themselves. */
function avcDecoderConfig(parameterSets: Uint8Array): ArrayBuffer {
  const nals = splitNals(parameterSets);
  const sps = nals.filter((nal) => nalType(nal) === NAL_SPS);
  const pps = nals.filter((nal) => nalType(nal) === NAL_PPS);
  const [first] = sps;
  if (!first || pps.length === 0) throw new Error("the encoder gave no SPS or no PPS");
  const sized = (nal: Uint8Array): number[] => [nal.length >> 8, nal.length & 0xff, ...nal];
  return Uint8Array.from([
    1,
    ...first.subarray(1, 4),
    0xfc | 3,
    0xe0 | sps.length,
    ...sps.flatMap(sized),
    pps.length,
    ...pps.flatMap(sized),
  ]).buffer;
}

/** An `esds` with the AudioSpecificConfig of AAC LC (ISO/IEC 14496-1 §7.2.6.5, 14496-3 §1.6.2.1). */
function aacDescription(audio: AudioFormat): InstanceType<typeof BoxParser.box.esds> {
  const index = AAC_SAMPLE_RATES.indexOf(audio.sampleRate);
  const config = [(2 << 3) | (index >> 1), ((index & 1) << 7) | (audio.channels << 3)];
  const descriptor = (tag: number, body: number[]): number[] => [tag, body.length, ...body];
  const rates = Array<number>(11).fill(0); // buffer size, maximum and average rate: not stated
  const decoderConfig = descriptor(0x04, [0x40, 0x15, ...rates, ...descriptor(0x05, config)]);
  const esds = new BoxParser.box.esds();
  esds.data = Uint8Array.from(
    descriptor(0x03, [0, 0, 0, ...decoderConfig, ...descriptor(0x06, [2])]),
  );
  return esds;
}

/** RFC 7845 in MP4: what a decoder must skip at the start of a live stream is nothing. */
function opusDescription(audio: AudioFormat): InstanceType<typeof BoxParser.box.dOps> {
  const box = new BoxParser.box.dOps();
  box.Version = 0;
  box.OutputChannelCount = audio.channels;
  box.PreSkip = 0;
  box.InputSampleRate = audio.sampleRate;
  box.OutputGain = 0;
  box.ChannelMappingFamily = 0;
  return box;
}
