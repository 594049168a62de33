/** Coded frames as elementary streams in a transport stream hold them: everything a decoder needs in band. */
import { NAL_AUD, NAL_PPS, NAL_SPS, nalType, splitNals } from "../../media/annex-b.ts";
import type { AudioPacket, EncodedVideo } from "../../media/encoded-packet.ts";

const START_CODE = [0, 0, 0, 1];
/** Access unit delimiter for any kind of picture (H.222.0 wants one in front of each access unit). */
const DELIMITER = Uint8Array.from([...START_CODE, NAL_AUD, 0xf0]);
const AAC_SAMPLE_RATES = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];
const ADTS_HEADER_BYTES = 7;

/** The parts of an access unit: a delimiter, the parameter sets before a key frame, the picture. */
export const h264Unit = ({ data, keyFrame, format }: EncodedVideo): Uint8Array[] =>
  keyFrame ? [DELIMITER, parameterSets(format.parameterSets), data] : [DELIMITER, data];

/** The parts of an audio frame: Opus behind its control header, AAC behind an ADTS header. */
export const audioUnit = (packet: AudioPacket): Uint8Array[] => [
  packet.codec === "opus" ? opusControlHeader(packet.data.length) : adtsHeader(packet),
  packet.data,
];

/** SPS and PPS alone: an encoder's extra data may hold a message about itself too. */
function parameterSets(extraData: Uint8Array): Uint8Array {
  const sets = splitNals(extraData).filter((nal) => [NAL_SPS, NAL_PPS].includes(nalType(nal)));
  return Uint8Array.from(sets.flatMap((nal) => [...START_CODE, ...nal]));
}

/** ETSI TS 103 491: no trims, the packet's size as a run of bytes that ends below 255. */
function opusControlHeader(size: number): Uint8Array {
  const header = new Uint8Array(3 + Math.floor(size / 255)).fill(255);
  header.set([0x7f, 0xe0]);
  header[header.length - 1] = size % 255;
  return header;
}

/** ISO/IEC 13818-7 §6.2: AAC LC, one frame, no checksum. */
function adtsHeader({ data, sampleRate, channels }: AudioPacket): Uint8Array {
  const length = ADTS_HEADER_BYTES + data.length;
  const rate = AAC_SAMPLE_RATES.indexOf(sampleRate);
  const layout = Math.min(channels, 7); // 7 is 7.1: eight channels
  return Uint8Array.from([
    0xff,
    0xf1,
    (1 << 6) | (rate << 2) | (layout >> 2),
    ((layout & 3) << 6) | (length >> 11),
    (length >> 3) & 0xff,
    ((length & 7) << 5) | 0x1f,
    0xfc,
  ]);
}
