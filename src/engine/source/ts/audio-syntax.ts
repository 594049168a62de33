/** Declares how the frames of each audio codec begin in an elementary stream. */
import {
  AAC_OBJECT,
  audioSpecificConfig,
  configFromRawBlock,
  readAudioSpecificConfig,
} from "../../../media/aac.ts";
import { AC3_HEADER_BYTES, readAc3Header } from "../../../media/ac3.ts";
import { ADTS_HEADER_BYTES, type AdtsHeader, readAdtsHeader } from "../../../media/adts.ts";
import type { AudioFormat } from "../../../media/encoded-packet.ts";
import { LOAS_HEADER_BYTES, readLoasFrame } from "../../../media/latm.ts";
import { MPEG_AUDIO_HEADER_BYTES, readMpegAudioHeader } from "../../../media/mpeg-audio.ts";
import type { FrameSyntax } from "./audio-frames.ts";

/** AAC in ADTS; the decoder takes the raw data block behind the header. */
export function adtsSyntax(): FrameSyntax {
  let format: AudioFormat | null = null;
  let key = "";
  return {
    sync: 0xff,
    headerBytes: ADTS_HEADER_BYTES,
    read(bytes, at) {
      const header = readAdtsHeader(bytes, at);
      if (!header) return null;
      const { headerBytes, frameBytes, blocks } = header;
      const headerKey = `${header.objectType} ${header.sampleRate} ${header.channelConfiguration}`;
      if (headerKey !== key) format = null;
      key = headerKey;
      format ??= aacFormat(header, bytes.subarray(at + headerBytes, at + frameBytes));
      // Blocks of one frame have no lengths of their own: they cannot be told apart.
      return { headerBytes, frameBytes, samples: 1024, format: blocks === 1 ? format : null };
    },
  };
}

/** Null while the channels are not known: a program config element lists them, in some frames only. */
function aacFormat(header: AdtsHeader, block: Uint8Array): AudioFormat | null {
  const config =
    header.channelConfiguration === 0
      ? configFromRawBlock(header, block)
      : audioSpecificConfig(header);
  const read = config && readAudioSpecificConfig(config);
  if (!read) return null;
  const { sampleRate, channels } = read;
  const usual = header.objectType === AAC_OBJECT.lowComplexity && header.channelConfiguration > 0;
  return { codec: "aac", sampleRate, channels, ...(!usual && { config }) };
}

/** AAC in LATM; the decoder takes frames with their LOAS headers. */
export function loasSyntax(): FrameSyntax {
  let format: AudioFormat | null = null;
  let samples = 1024;
  return {
    sync: 0x56,
    headerBytes: LOAS_HEADER_BYTES,
    read(bytes, at) {
      const frame = readLoasFrame(bytes, at);
      if (!frame) return null;
      const { frameBytes, config } = frame;
      if (config) {
        const { sampleRate, coreChannels: channels } = config;
        samples = config.frameSamples;
        format = { codec: "aac_latm", sampleRate, channels };
      }
      return { headerBytes: 0, frameBytes, samples, format };
    },
  };
}

/** MPEG audio of all layers, named by the layer that frames say, whatever the stream type says. */
export const mpegAudioSyntax = (): FrameSyntax => ({
  sync: 0xff,
  headerBytes: MPEG_AUDIO_HEADER_BYTES,
  read(bytes, at) {
    const header = readMpegAudioHeader(bytes, at);
    if (!header) return null;
    const { layer, frameBytes, samples, sampleRate, channels } = header;
    const codec = layer === 3 ? "mp3" : "mp2";
    return { headerBytes: 0, frameBytes, samples, format: { codec, sampleRate, channels } };
  },
});

/** AC-3 and E-AC-3, told apart by the frames. Frames that add channels to the one before stay with it. */
export const ac3Syntax = (): FrameSyntax => ({
  sync: 0x0b,
  headerBytes: AC3_HEADER_BYTES,
  read(bytes, at) {
    const header = readAc3Header(bytes, at);
    if (!header) return null;
    const { codec, samples, sampleRate, channels, independent } = header;
    let { frameBytes } = header;
    if (independent) {
      for (;;) {
        const next = readAc3Header(bytes, at + frameBytes);
        if (!next || next.independent) break;
        frameBytes += next.frameBytes;
      }
    }
    const format = independent ? { codec, sampleRate, channels } : null;
    return { headerBytes: 0, frameBytes, samples, format };
  },
});
