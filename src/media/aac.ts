/** Reads and writes what describes an AAC stream: AudioSpecificConfig and its tables (ISO/IEC 14496-3 §1.6). */
import { BitReader } from "./bit-reader.ts";
import { BitWriter } from "./bit-writer.ts";

/** Sampling frequencies by index; AudioSpecificConfig and ADTS share them. */
export const AAC_SAMPLE_RATES: readonly number[] = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];

/** Channels by channel configuration; 0 is unassigned, or described by a program config element. */
const CHANNELS = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8];

/** The audio object types that matter here (ISO/IEC 14496-3 table 1.17). */
export const AAC_OBJECT = {
  main: 1,
  lowComplexity: 2,
  ltp: 4,
  sbr: 5,
  lowDelay: 23,
  ps: 29,
} as const;

const EXPLICIT_RATE = 15;
const ESCAPE = 31;
const SBR_SYNC = 0x2b7;
const PS_SYNC = 0x548;
/** Object types whose configuration is a GASpecificConfig. */
const GENERAL_AUDIO = new Set([1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23]);
const ERROR_RESILIENT = new Set([17, 19, 20, 23]);
const ENHANCED_LOW_DELAY = 39;
/** The syntactic element of a raw data block that lists the channels. */
const PROGRAM_CONFIG_ELEMENT = 5;

/** What an AudioSpecificConfig says. Rates and channels are those of the core, without SBR and PS. */
export interface AacConfig {
  /** Of the core: 2 (low complexity) also where SBR or PS is signalled explicitly. */
  readonly objectType: number;
  readonly sampleRate: number;
  /** 0: a program config element lists the channels. */
  readonly channelConfiguration: number;
  readonly coreChannels: number;
  /** What the decoder puts out: parametric stereo makes two of one. */
  readonly channels: number;
  /** Samples of the core that a frame holds: 1024 or 960, 512 or 480 for low delay. */
  readonly frameSamples: number;
  /** SBR is signalled explicitly. */
  readonly sbr: boolean;
}

/** Null if the bytes are too short or name a rate or a channel layout that does not exist. */
export function readAudioSpecificConfig(bytes: Uint8Array): AacConfig | null {
  const reader = new BitReader(bytes);
  const config = readConfig(reader);
  if (!config || reader.overrun) return null;
  const extension = config.sbr ? { sbr: true, ps: config.ps } : readExtension(reader);
  const channels = extension.ps && config.coreChannels === 1 ? 2 : config.coreChannels;
  return { ...config, sbr: extension.sbr, channels };
}

/** The configuration at the reader's position, without the extension that may follow it at the very end. */
export function readConfig(
  reader: BitReader,
): (Omit<AacConfig, "channels"> & { readonly ps: boolean }) | null {
  let objectType = readObjectType(reader);
  const sampleRate = readRate(reader);
  const channelConfiguration = reader.bits(4);
  const sbr = objectType === AAC_OBJECT.sbr || objectType === AAC_OBJECT.ps;
  const ps = objectType === AAC_OBJECT.ps;
  if (sbr) {
    readRate(reader);
    objectType = readObjectType(reader);
  }
  let frameSamples = 1024;
  let coreChannels = CHANNELS[channelConfiguration] ?? 0;
  if (GENERAL_AUDIO.has(objectType)) {
    const short = reader.bits(1) === 1;
    if (objectType === AAC_OBJECT.lowDelay) frameSamples = short ? 480 : 512;
    else frameSamples = short ? 960 : 1024;
    if (reader.bits(1)) reader.skip(14); // core coder delay
    const extended = reader.bits(1) === 1;
    if (channelConfiguration === 0) {
      coreChannels = readProgramChannels(reader);
      reader.align();
      reader.skip(8 * reader.bits(8)); // comment
    }
    if (objectType === 6 || objectType === 20) reader.skip(3); // layer
    if (extended) reader.skip((ERROR_RESILIENT.has(objectType) ? 3 : 0) + 1);
  } else if (objectType === ENHANCED_LOW_DELAY) {
    frameSamples = reader.bits(1) ? 480 : 512;
  }
  if (!sampleRate || !coreChannels) return null;
  return { objectType, sampleRate, channelConfiguration, coreChannels, frameSamples, sbr, ps };
}

/** SBR and PS signalled behind the configuration, where old decoders do not look (§1.6.6.2). */
function readExtension(reader: BitReader): { sbr: boolean; ps: boolean } {
  const none = { sbr: false, ps: false };
  if (reader.left < 16 || reader.bits(11) !== SBR_SYNC) return none;
  if (readObjectType(reader) !== AAC_OBJECT.sbr || reader.bits(1) === 0) return none;
  readRate(reader);
  const ps = reader.left >= 12 && reader.bits(11) === PS_SYNC && reader.bits(1) === 1;
  return { sbr: true, ps };
}

/** The members that AudioSpecificConfig and ADTS have in common. */
export type AacFormat = Pick<AacConfig, "objectType" | "sampleRate" | "channelConfiguration">;

/** AudioSpecificConfig with frames of 1024 samples. A decoder finds implicit SBR and PS by itself. */
export function audioSpecificConfig(format: AacFormat): Uint8Array {
  const writer = new BitWriter().write(format.objectType, 5);
  writeRate(writer, format.sampleRate);
  return writer
    .write(format.channelConfiguration, 4)
    .write(0, 3) // 1024 samples, no core coder, no extension
    .finish();
}

/** AAC low complexity of a rate and so many channels. */
export const lowComplexity = (sampleRate: number, channels: number): AacFormat => ({
  objectType: AAC_OBJECT.lowComplexity,
  sampleRate,
  channelConfiguration: channelConfigurationOf(channels) ?? 2,
});

/** The channel configuration that means so many channels; null if none does. */
function channelConfigurationOf(channels: number): number | null {
  const configuration = CHANNELS.indexOf(channels);
  return channels > 0 && configuration > 0 ? configuration : null;
}

/**
 * AudioSpecificConfig of a stream whose channels are listed by the program config element that `block`,
 * a raw data block, begins with (ISO/IEC 14496-3 table 4.2). Null if it begins with something else.
 */
export function configFromRawBlock(
  { objectType, sampleRate }: Pick<AacConfig, "objectType" | "sampleRate">,
  block: Uint8Array,
): Uint8Array | null {
  const reader = new BitReader(block);
  if (reader.bits(3) !== PROGRAM_CONFIG_ELEMENT) return null;
  const copy = new BitReader(block, reader.position);
  if (readProgramChannels(reader) === 0 || reader.overrun) return null;
  const writer = new BitWriter().write(objectType, 5);
  writeRate(writer, sampleRate);
  writer.write(0, 4).write(0, 3); // no channel configuration, 1024 samples
  while (copy.position < reader.position) writer.write(copy.bits(1), 1);
  return writer.align().write(0, 8).finish(); // no comment
}

/**
 * Reads the fields of a program config element up to the padding before its comment, and returns how
 * many channels they list (§4.4.1.1).
 */
function readProgramChannels(reader: BitReader): number {
  reader.skip(4 + 2 + 4); // instance, object type, sampling frequency
  const speakers = reader.bits(4) + reader.bits(4) + reader.bits(4); // front, side, back
  const [lfe, data, coupling] = [reader.bits(2), reader.bits(3), reader.bits(4)];
  for (const bits of [4, 4, 3]) if (reader.bits(1)) reader.skip(bits); // mixdowns
  let channels = lfe;
  for (let element = 0; element < speakers; element++) {
    channels += 1 + reader.bits(1);
    reader.skip(4);
  }
  reader.skip(4 * lfe + 4 * data + 5 * coupling);
  return channels;
}

function readObjectType(reader: BitReader): number {
  const type = reader.bits(5);
  return type === ESCAPE ? 32 + reader.bits(6) : type;
}

/** 0 if the index is reserved. */
function readRate(reader: BitReader): number {
  const index = reader.bits(4);
  return index === EXPLICIT_RATE ? reader.bits(24) : (AAC_SAMPLE_RATES[index] ?? 0);
}

function writeRate(writer: BitWriter, sampleRate: number): void {
  const index = AAC_SAMPLE_RATES.indexOf(sampleRate);
  if (index >= 0) writer.write(index, 4);
  else writer.write(EXPLICIT_RATE, 4).write(sampleRate, 24);
}
