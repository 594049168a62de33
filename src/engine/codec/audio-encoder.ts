/** Encodes samples into AAC or Opus packets through FFmpeg. */
import { WorkerError } from "../../errors.ts";
import type { AudioCodec } from "../../media/encoded-packet.ts";
import {
  nativeFormat,
  nativeLayout,
  SAMPLE_RATE,
  type SampleFormat,
  type Samples,
  sampleBytes,
  silence,
  slice,
} from "./audio-samples.ts";
import { Codec, CodecContext, CodecParameters, check, Frame, Packet, Rational } from "./libav.ts";

/** Good for speech and music: both encoders are transparent to most listeners at this rate. */
const BITS_PER_CHANNEL = 64_000;

const ENCODERS = {
  opus: { name: "libopus", planar: false },
  aac: { name: "aac", planar: true },
} as const satisfies Record<AudioCodec, { name: string; planar: boolean }>;

/** One packet; `at` is its first sample, counted from the first one pushed. */
export interface CodedFrame {
  readonly data: Uint8Array;
  readonly at: number;
}

/**
 * One open encoder. Its delay is compensated: the packet at 0 decodes to the first sample pushed, and
 * the packets before it are dropped. Its calls take some 0.3 ms and block.
 */
export class AudioEncoder implements Disposable {
  readonly codec: AudioCodec;
  readonly format: SampleFormat;
  /** Samples in a packet. */
  readonly frameSize: number;
  readonly #context = new CodecContext();
  readonly #packet = new Packet();
  readonly #pending: Uint8Array[];
  #filled: number;
  /** Number of the next frame's first sample. */
  #at: number;

  /** Throws `unsupported_media` if this FFmpeg has no such encoder. */
  constructor(codec: AudioCodec, channels: SampleFormat["channels"]) {
    const { name, planar } = ENCODERS[codec];
    this.codec = codec;
    this.format = { channels, planar };
    try {
      const encoder = Codec.findEncoderByName(name as never);
      if (!encoder) throw new Error(`this FFmpeg has no ${name}`);
      this.#context.allocContext3(encoder);
      this.#context.sampleRate = SAMPLE_RATE;
      this.#context.sampleFormat = nativeFormat(this.format);
      this.#context.channelLayout = nativeLayout(this.format);
      this.#context.timeBase = new Rational(1, SAMPLE_RATE);
      this.#context.bitRate = BigInt(BITS_PER_CHANNEL * channels);
      check(this.#context.open2Sync(encoder), `open ${name}`);
    } catch (cause) {
      this.#context.freeContext();
      throw new WorkerError(
        "unsupported_media",
        `audio: this server cannot encode ${codec}: ask for "copy" or "none"`,
        { cause },
      );
    }
    this.#packet.alloc();
    this.frameSize = this.#context.frameSize;
    // Silence in front makes the encoder's delay a whole number of packets.
    const padding = initialPadding(this.#context);
    this.#filled = (this.frameSize - (padding % this.frameSize)) % this.frameSize;
    this.#at = -this.#filled;
    this.#pending = silence(this.format, this.frameSize).planes.slice();
  }

  /** Samples pushed so far. */
  get length(): number {
    return this.#at + this.#filled;
  }

  /** Throws if the encoder refuses the samples; it cannot be used afterwards. */
  push(samples: Samples): CodedFrame[] {
    const made: CodedFrame[] = [];
    for (let from = 0; from < samples.count; ) {
      const count = Math.min(samples.count - from, this.frameSize - this.#filled);
      const { planes } = slice(this.format, samples, from, from + count);
      for (const [index, plane] of planes.entries()) {
        this.#pending[index]?.set(plane, this.#filled * sampleBytes(this.format));
      }
      from += count;
      this.#filled += count;
      if (this.#filled === this.frameSize) made.push(...this.#encode());
    }
    return made;
  }

  /** The packets with the last samples, padded with silence. */
  finish(): CodedFrame[] {
    const end = this.length;
    const rest = (this.frameSize - this.#filled) % this.frameSize;
    const made = this.push(silence(this.format, rest));
    check(this.#context.sendFrameSync(null), `finish ${this.codec}`);
    return [...made, ...this.#receive()].filter(({ at }) => at < end);
  }

  #encode(): CodedFrame[] {
    const frame = new Frame();
    try {
      frame.alloc();
      frame.nbSamples = this.frameSize;
      frame.format = nativeFormat(this.format);
      frame.sampleRate = SAMPLE_RATE;
      frame.channelLayout = nativeLayout(this.format);
      check(frame.getBuffer(), "allocate an audio frame");
      for (const [index, plane] of this.#pending.entries()) frame.data?.[index]?.set(plane);
      frame.pts = BigInt(this.#at);
      check(this.#context.sendFrameSync(frame), `encode ${this.codec}`);
    } finally {
      frame.free();
    }
    this.#at += this.frameSize;
    this.#filled = 0;
    return this.#receive();
  }

  #receive(): CodedFrame[] {
    const made: CodedFrame[] = [];
    while (this.#context.receivePacketSync(this.#packet) >= 0) {
      const at = Number(this.#packet.pts);
      if (at >= 0) made.push({ data: new Uint8Array(this.#packet.data ?? []), at });
      this.#packet.unref();
    }
    return made;
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#context.freeContext();
  }
}

/** Samples that come out before the first one pushed. */
function initialPadding(context: CodecContext): number {
  const parameters = new CodecParameters();
  parameters.alloc();
  try {
    check(parameters.fromContext(context), "read the encoder's parameters");
    return parameters.initialPadding;
  } finally {
    parameters.free();
  }
}
