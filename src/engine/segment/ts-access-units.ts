/** Builds the access units of a transport stream's elementary streams, with everything a decoder needs in band. */
import { lowComplexity, readAudioSpecificConfig } from "../../media/aac.ts";
import { adtsHeader } from "../../media/adts.ts";
import { NAL_AUD, NAL_PPS, NAL_SPS, nalType, splitNals } from "../../media/annex-b.ts";
import type { EncodedAudio, EncodedVideo } from "../../media/encoded-packet.ts";

const START_CODE = [0, 0, 0, 1];
/** An access unit delimiter for any kind of picture (H.222.0 requires one before each access unit). */
const DELIMITER = Uint8Array.from([...START_CODE, NAL_AUD, 0xf0]);

/** The parts of an access unit: a delimiter, the parameter sets before a key frame, the picture. */
export const h264Unit = ({ data, keyFrame, format }: EncodedVideo): Uint8Array[] =>
  keyFrame ? [DELIMITER, parameterSets(format.parameterSets), data] : [DELIMITER, data];

/** The parts of an audio frame: Opus behind its control header, AAC behind an ADTS header. */
export const audioUnit = (packet: EncodedAudio): Uint8Array[] => [
  packet.codec === "opus" ? opusControlHeader(packet.data.length) : aacHeader(packet),
  packet.data,
];

/** SPS and PPS alone: an encoder's extra data may also contain a message about the encoder. */
function parameterSets(extraData: Uint8Array): Uint8Array {
  const sets = splitNals(extraData).filter((nal) => [NAL_SPS, NAL_PPS].includes(nalType(nal)));
  return Uint8Array.from(sets.flatMap((nal) => [...START_CODE, ...nal]));
}

/** ETSI TS 103 491: no trims; the packet's size as a run of bytes that ends below 255. */
function opusControlHeader(size: number): Uint8Array {
  const header = new Uint8Array(3 + Math.floor(size / 255)).fill(255);
  header.set([0x7f, 0xe0]);
  header[header.length - 1] = size % 255;
  return header;
}

function aacHeader({ data, sampleRate, channels, config }: EncodedAudio): Uint8Array {
  const aac = config ? readAudioSpecificConfig(config) : null;
  return adtsHeader(aac ?? lowComplexity(sampleRate, channels), data.length);
}
