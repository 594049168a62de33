/** Writes the `ftyp` and `moov` boxes that every fMP4 segment begins with, through mp4box (facts.md 5). */
import { BoxParser, createFile, type ISOFile } from "mp4box";
import { audioSpecificConfig, lowComplexity } from "../../media/aac.ts";
import { NAL_PPS, NAL_SPS, nalType, splitNals } from "../../media/annex-b.ts";
import type { AudioFormat, VideoFormat } from "../../media/encoded-packet.ts";
import { opusHead, readOpusHead } from "../../media/opus.ts";
import { TICKS_PER_SECOND } from "../../media/time.ts";

/** A file that fragments can be made for, and its first bytes. */
export interface Fmp4Init {
  readonly file: ISOFile;
  readonly bytes: Uint8Array;
  readonly videoTrack: number;
  readonly audioTrack: number | null;
}

/** A sample entry holds rates up to here; decoders read larger ones from the codec's configuration. */
const MAX_ENTRY_RATE = 0xffff;

/** A `moov` with a video track at 90 kHz and, if there is audio, a track at its sample rate. */
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
    samplerate: audio.sampleRate <= MAX_ENTRY_RATE ? audio.sampleRate : 0,
    description: audio.codec === "aac" ? aacDescription(audio) : opusDescription(audio),
  });
  const box = file.getTrackById(track);
  box.tkhd.width = 0;
  box.tkhd.height = 0;
  return track;
}

/** AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1): profile, level, 4-byte lengths, parameter sets. */
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

/** An `esds` box with the stream's AudioSpecificConfig (ISO/IEC 14496-1 §7.2.6.5). */
function aacDescription(audio: AudioFormat): InstanceType<typeof BoxParser.box.esds> {
  const { config, sampleRate, channels } = audio;
  const specific = config ?? audioSpecificConfig(lowComplexity(sampleRate, channels));
  const rates = Array<number>(11).fill(0); // buffer size, maximum and average rate: not stated
  const decoderConfig = descriptor(0x04, [0x40, 0x15, ...rates, ...descriptor(0x05, specific)]);
  const esds = new BoxParser.box.esds();
  esds.data = Uint8Array.from(
    descriptor(0x03, [0, 0, 0, ...decoderConfig, ...descriptor(0x06, [2])]),
  );
  return esds;
}

/** A descriptor with its size in as many groups of seven bits as it needs (ISO/IEC 14496-1 §8.3.3). */
function descriptor(tag: number, body: ArrayLike<number>): number[] {
  const size = [body.length & 0x7f];
  for (let rest = body.length >> 7; rest > 0; rest >>= 7) size.unshift(0x80 | (rest & 0x7f));
  return [tag, ...size, ...Array.from(body)];
}

/** A `dOps` box (RFC 7845 in MP4). Nothing is skipped at the start of a live stream. */
function opusDescription(audio: AudioFormat): InstanceType<typeof BoxParser.box.dOps> {
  const config = readOpusHead(audio.config ?? opusHead(audio.channels));
  const [streams = 0, coupled = 0, ...mapping] = config?.mapping.table ?? [];
  const box = new BoxParser.box.dOps();
  box.Version = 0;
  box.OutputChannelCount = audio.channels;
  box.PreSkip = 0;
  box.InputSampleRate = audio.sampleRate;
  box.OutputGain = config?.gain ?? 0;
  box.ChannelMappingFamily = config?.mapping.family ?? 0;
  box.StreamCount = streams;
  box.CoupledCount = coupled;
  box.ChannelMapping = mapping;
  return box;
}
