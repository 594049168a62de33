/** Encodes a microphone's sound as Opus with WebCodecs, ready to be put into MP4. */
import type { Mp4Format, Mp4Sample } from "./mp4-writer.ts";
import { bytesOf, PageTime } from "./webcodecs.ts";

const BITS_PER_SECOND = 64_000;
/** Samples at 48 kHz that an Opus decoder discards at the start, where the encoder does not say. */
const USUAL_PRE_SKIP = 312;

/** Holds encoded sound until it is taken. Its format is known once the first packet is encoded. */
export class MicrophoneEncoder {
  readonly #encoder: AudioEncoder;
  readonly #time = new PageTime();
  #format: Mp4Format | null = null;
  #samples: Mp4Sample[] = [];

  /** `onFailure` is called once if the encoder fails; nothing is encoded after that. */
  constructor(onFailure: (error: Error) => void) {
    this.#encoder = new AudioEncoder({
      output: (chunk, metadata) => {
        const config = metadata?.decoderConfig;
        if (config) this.#format ??= formatOf(config);
        const duration = chunk.duration ?? 0;
        this.#time.anchor(chunk.timestamp - duration);
        const time = this.#time.of(chunk.timestamp);
        this.#samples.push({ data: bytesOf(chunk), time, duration, keyFrame: true });
      },
      error: onFailure,
    });
  }

  /** Null until the first packet is encoded. */
  get format(): Mp4Format | null {
    return this.#format;
  }

  /** Encodes and closes `sound`. */
  encode(sound: AudioData): void {
    const { sampleRate, numberOfChannels } = sound;
    if (this.#encoder.state === "unconfigured")
      this.#encoder.configure({
        codec: "opus",
        sampleRate,
        numberOfChannels,
        bitrate: BITS_PER_SECOND,
      });
    if (this.#encoder.state === "configured") this.#encoder.encode(sound);
    sound.close();
  }

  /** The packets encoded since the last call. */
  take(): Mp4Sample[] {
    const samples = this.#samples;
    this.#samples = [];
    return samples;
  }

  close(): void {
    if (this.#encoder.state !== "closed") this.#encoder.close();
  }
}

/** The description, where there is one, is an OpusHead (RFC 7845 §5.1). */
function formatOf({ numberOfChannels, description }: AudioDecoderConfig): Mp4Format {
  const head = description && bytesOf(description);
  const preSkip = head ? (head[10] ?? 0) | ((head[11] ?? 0) << 8) : USUAL_PRE_SKIP;
  return { kind: "audio", channels: numberOfChannels, preSkip };
}
