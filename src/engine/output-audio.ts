/** Decides what happens to the input's audio: copied, transcoded, or left out (contract.md, Stream parameters). */
import { AAC_OBJECT, lowComplexity, readAudioSpecificConfig } from "../media/aac.ts";
import { fitsAdts } from "../media/adts.ts";
import type { AudioFormat, InputAudioCodec } from "../media/encoded-packet.ts";
import { readOpusHead } from "../media/opus.ts";
import { pushable } from "../streams/push-readable.ts";
import type { StageGroup } from "../streams/stage.ts";
import { type AudioRules, AudioTarget, type OutputAudioFormat } from "./codec/audio-target.ts";
import { type TranscodeOptions, transcodeAudio } from "./codec/audio-transcode.ts";
import type { NativeCalls } from "./protocol/call-journal.ts";
import type { AudioMode, Container } from "./protocol/work.ts";
import type { AudioTrack } from "./segment/interleave.ts";
import type { DemuxedInput } from "./source/demux.ts";

/** The audio that goes with the pictures. */
export interface OutputAudio extends AudioTrack {
  /**
   * Settles the format of the output's audio as its headers are written, and returns it. Audio that the input
   * has announced and not brought yet is promised as it will be copied, or in a format that any can be encoded
   * to. Null where none was announced: what appears later is left out.
   */
  promised(): OutputAudioFormat | null;
  /** The format once it is settled; undefined before. */
  settled(): OutputAudioFormat | null | undefined;
}

export interface OutputAudioOptions {
  readonly mode: AudioMode;
  readonly container: Container;
  /** What another engine began the output with; undefined for a new output. */
  readonly settled: OutputAudioFormat | null | undefined;
  readonly stages: StageGroup;
  readonly observer: TranscodeOptions["observer"];
  readonly calls: NativeCalls;
}

/** Takes over the input's audio: it is read here or not at all. */
export function outputAudio(
  input: DemuxedInput,
  { mode, container, settled, stages, observer, calls }: OutputAudioOptions,
): OutputAudio {
  if (mode === "none") {
    void input.audio.cancel();
    return noAudio();
  }
  const target = new AudioTarget(transcodingOf(mode, container), settled);
  return {
    packets: input.audio.pipeThrough(stages.add(transcodeAudio({ target, observer, calls }))),
    expected: () => input.announcedAudio() !== null,
    dueAt: input.dueAt,
    settled: () => target.format,
    promised() {
      const announced = input.announcedAudio();
      if (!announced) return target.settle(null);
      // The packets of a transport stream state what its program map does not.
      const format = announced.format ?? (container === "mpegts" ? usual(announced.codec) : null);
      return target.settle(format && target.copies(format) ? format : target.encoded(2));
    },
  };
}

/** No audio at all. */
export function noAudio(): OutputAudio {
  const none = pushable<never>();
  none.end();
  const dueAt = () => Number.NEGATIVE_INFINITY;
  const [expected, promised, settled] = [() => false, () => null, () => null];
  return { packets: none.readable, expected, dueAt, promised, settled };
}

/** The format that a codec has as long as nothing more is known of it. */
const usual = (codec: InputAudioCodec): AudioFormat => ({ codec, sampleRate: 48_000, channels: 2 });

/** What is copied, and the codec that everything else is transcoded to. */
export function transcodingOf(mode: Exclude<AudioMode, "none">, container: Container): AudioRules {
  const fixes = container === "fmp4" ? "format" : "codec";
  const readable = container === "fmp4" ? playsInBrowsers : playsFromGateways;
  switch (mode) {
    case "auto":
      // Readers of our transport streams take Opus alone (protocol.md 6.2).
      return {
        codec: "opus",
        fixes,
        copies: (format) => (container === "fmp4" || format.codec === "opus") && readable(format),
      };
    case "copy":
      return {
        codec: "opus",
        fixes,
        copies: container === "fmp4" ? () => true : fitsTransportStream,
      };
    default:
      return { codec: mode, fixes, copies: (format) => format.codec === mode && readable(format) };
  }
}

/** Opus in mono or stereo, and AAC as ADTS carries it. */
const playsFromGateways = (format: AudioFormat): boolean =>
  fitsTransportStream(format) && (format.codec === "aac" || format.channels <= 2);

/** AAC low complexity in frames of 1024 samples, with SBR and PS or without; both codecs in usual channel layouts. */
function playsInBrowsers({ codec, config }: AudioFormat): boolean {
  if (!config) return true;
  if (codec === "opus") return hasUsualMapping(config);
  const aac = readAudioSpecificConfig(config);
  return (
    aac !== null &&
    aac.objectType === AAC_OBJECT.lowComplexity &&
    aac.frameSamples === 1024 &&
    aac.channelConfiguration > 0
  );
}

/** What ADTS and the Opus channel code can say. */
function fitsTransportStream({ codec, config, sampleRate, channels }: AudioFormat): boolean {
  if (codec === "opus") {
    return !config || hasUsualMapping(config);
  }
  if (!config) return fitsAdts(lowComplexity(sampleRate, channels));
  const aac = readAudioSpecificConfig(config);
  return aac !== null && aac.frameSamples === 1024 && fitsAdts(aac);
}

const hasUsualMapping = (opusHead: Uint8Array): boolean => {
  const family = readOpusHead(opusHead)?.mapping.family;
  return family === 0 || family === 1;
};
