/** Turns the PES packets of one audio track of a transport stream into audio packets. */
import type { AudioFormat, AudioPacket, InputAudioCodec } from "../../../media/encoded-packet.ts";
import { DUAL_MONO, OPUS_SAMPLE_RATE, opusHead } from "../../../media/opus.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../../media/time.ts";
import { type AudioFrame, FrameReader, type FrameSyntax } from "./audio-frames.ts";
import { ac3Syntax, adtsSyntax, loasSyntax, mpegAudioSyntax } from "./audio-syntax.ts";
import { readOpus } from "./opus.ts";
import type { Pes } from "./pes-assembler.ts";
import type { TsAudioTrack } from "./stream-types.ts";

/** Of every codec whose frames begin with a header of their own; Opus has control headers instead. */
const SYNTAXES: Readonly<Partial<Record<InputAudioCodec, () => FrameSyntax>>> = {
  aac: adtsSyntax,
  aac_latm: loasSyntax,
  mp2: mpegAudioSyntax,
  mp3: mpegAudioSyntax,
  ac3: ac3Syntax,
  eac3: ac3Syntax,
};

/** A frame may begin in one PES and end in the next. */
export class AudioLane {
  readonly #frames: FrameReader | null;
  readonly #opus: AudioFormat;
  /** Where the last frame ends: the time of a PES without a timestamp. */
  #end: Ticks | null = null;

  constructor(track: TsAudioTrack) {
    const syntax = SYNTAXES[track.codec];
    this.#frames = syntax ? new FrameReader(syntax()) : null;
    this.#opus = opusFormat(track.opusChannels);
  }

  /** The frames that this PES completes. Frames before the first timestamp are dropped. */
  push(pes: Pes, arrivedAt: number): AudioPacket[] {
    const frames = this.#read(pes.data);
    const [first] = frames;
    if (!first) return [];
    // The timestamp is that of the first frame to begin in the PES (ISO/IEC 13818-1 §2.4.3.7).
    const before = first.carried ? ticksOf(first.samples, first.sampleRate) : 0;
    const start = pes.stamp ? ticks(pes.stamp.pts - before) : this.#end;
    if (start === null) return [];
    const packets = spread(start, arrivedAt, frames);
    const last = packets.at(-1);
    if (last) this.#end = ticks(last.pts + last.duration);
    return packets;
  }

  /** Drops a frame that is under way. */
  drop(): void {
    this.#frames?.drop();
  }

  #read(data: Uint8Array): AudioFrame[] {
    if (this.#frames) return this.#frames.read(data);
    return readOpus(data).map((packet) => ({ ...packet, ...this.#opus, carried: false }));
  }
}

/** The format behind a channel code: 0 is dual mono, 1 to 8 are channel counts, others are not in use. */
function opusFormat(code: number): AudioFormat {
  const common = { codec: "opus", sampleRate: OPUS_SAMPLE_RATE } as const;
  if (code === 0) return { ...common, channels: 2, config: opusHead(2, DUAL_MONO) };
  return { ...common, channels: code <= 8 ? code : 2 };
}

/** Gives frames that share one PES their times: they follow each other without a gap. */
function spread(start: Ticks, arrivedAt: number, frames: readonly AudioFrame[]): AudioPacket[] {
  let samples = 0;
  return frames.map(({ samples: own, carried: _, ...frame }) => {
    const at = (count: number): Ticks => ticks(start + ticksOf(count, frame.sampleRate));
    const pts = at(samples);
    samples += own;
    return { kind: "audio", ...frame, pts, duration: ticks(at(samples) - pts), arrivedAt };
  });
}

const ticksOf = (samples: number, sampleRate: number): number =>
  Math.round((samples * TICKS_PER_SECOND) / sampleRate);
