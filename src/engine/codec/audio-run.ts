/** Encodes a stretch of audio without a gap, and keeps its samples on the input's clock. */
import type { AudioCodec, AudioPacket, EncodedAudio } from "../../media/encoded-packet.ts";
import { TICKS_PER_SECOND, type Ticks, ticks, ticksFromSeconds } from "../../media/time.ts";
import { AudioEncoder, type CodedFrame } from "./audio-encoder.ts";
import { AudioResampler } from "./audio-resampler.ts";
import { SAMPLE_RATE, type SampleFormat, silence, slice } from "./audio-samples.ts";
import type { Frame } from "./libav.ts";

/** Timestamps are rounded, by RTMP to milliseconds. That is inaudible, and a correction is not. */
const TOLERANCE = 0.01 * SAMPLE_RATE;
/** Packets may be missing or repeated. Up to here that is corrected, since a new run loses more audio. */
const MAX_CORRECTION = 0.1 * SAMPLE_RATE;

export class AudioRun implements Disposable {
  readonly #start: Ticks;
  readonly #encoder: AudioEncoder;
  readonly #resampler: AudioResampler;
  #arrivedAt = 0;

  /** `start`: pts of the first sample. Throws `unsupported_media` if the codec cannot be encoded. */
  constructor(codec: AudioCodec, channels: SampleFormat["channels"], start: Ticks) {
    this.#start = start;
    this.#encoder = new AudioEncoder(codec, channels);
    this.#resampler = new AudioResampler(this.#encoder.format);
  }

  /** False if audio of this pts is behind a gap, or on another clock. */
  reaches(pts: Ticks): boolean {
    return Math.abs(this.#ahead(pts)) <= MAX_CORRECTION;
  }

  /** Takes a packet's frame, which stays the caller's. Throws if the encoder refuses it; the run is over then. */
  add(frame: Frame, { pts, arrivedAt }: AudioPacket): EncodedAudio[] {
    this.#arrivedAt = arrivedAt;
    const ahead = this.#ahead(pts);
    const made: CodedFrame[] = [];
    if (ahead > TOLERANCE) {
      made.push(...this.#encoder.push(this.#resampler.drain()));
      made.push(...this.#encoder.push(silence(this.#encoder.format, ahead)));
    }
    let surplus = ahead < -TOLERANCE ? -ahead : 0;
    for (const samples of this.#resampler.convert(frame)) {
      const cut = Math.min(surplus, samples.count);
      surplus -= cut;
      made.push(...this.#encoder.push(slice(this.#encoder.format, samples, cut)));
    }
    return made.map((coded) => this.#packet(coded));
  }

  /** The last packets. Nothing may be added afterwards. */
  finish(): EncodedAudio[] {
    const made = this.#encoder.push(this.#resampler.drain());
    return [...made, ...this.#encoder.finish()].map((coded) => this.#packet(coded));
  }

  /** How many samples after the end of the run this pts is. */
  #ahead(pts: Ticks): number {
    const at = Math.round(((pts - this.#start) * SAMPLE_RATE) / TICKS_PER_SECOND);
    return at - this.#encoder.length - this.#resampler.held;
  }

  #packet({ data, at }: CodedFrame): EncodedAudio {
    return {
      kind: "audio",
      codec: this.#encoder.codec,
      data,
      pts: ticks(this.#start + ticksFromSeconds(at / SAMPLE_RATE)),
      duration: ticksFromSeconds(this.#encoder.frameSize / SAMPLE_RATE),
      sampleRate: SAMPLE_RATE,
      channels: this.#encoder.format.channels,
      arrivedAt: this.#arrivedAt,
    };
  }

  [Symbol.dispose](): void {
    this.#resampler[Symbol.dispose]();
    this.#encoder[Symbol.dispose]();
  }
}
