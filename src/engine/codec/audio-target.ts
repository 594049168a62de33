/** Decides the one format that an output's audio has, however the input's audio changes. */
import { type AudioCodec, type AudioFormat, sameAudioFormat } from "../../media/encoded-packet.ts";
import { SAMPLE_RATE, type SampleFormat } from "./audio-samples.ts";

/** A format that an output can carry. */
export interface OutputAudioFormat extends AudioFormat {
  readonly codec: AudioCodec;
}

export interface AudioRules {
  /** The codec to encode to. */
  readonly codec: AudioCodec;
  /** True for packets of a format that the output carries as it is. */
  readonly copies: (format: AudioFormat) => boolean;
  /** `format`: the headers state all of it once, as in MP4. `codec`: packets state the rest, as in MPEG-TS. */
  readonly fixes: "format" | "codec";
}

/** What audio is encoded to. */
export interface AudioEncoding {
  readonly codec: AudioCodec;
  readonly channels: SampleFormat["channels"];
}

/**
 * Open until the first packet leaves or the output's headers are written, and settled from then on: readers
 * take the headers once. `null` stands for an output without audio.
 */
export class AudioTarget {
  readonly #rules: AudioRules;
  readonly #isCarried: (format: AudioFormat) => boolean;
  #format: OutputAudioFormat | null | undefined;

  /** `settled`: the format that another engine began the output with. */
  constructor(rules: AudioRules, settled?: OutputAudioFormat | null) {
    this.#rules = rules;
    this.#format = settled;
    this.#isCarried = rememberLast(rules.copies);
  }

  /** Undefined while open. */
  get format(): OutputAudioFormat | null | undefined {
    return this.#format;
  }

  /** Settles the format, unless that has been done. Returns the one that holds. */
  settle(format: OutputAudioFormat | null): OutputAudioFormat | null {
    if (this.#format === undefined) this.#format = format && formatOf(format);
    return this.#format ?? null;
  }

  /** True if audio of this format leaves as it is. */
  copies(format: AudioFormat): format is OutputAudioFormat {
    const settled = this.#format;
    if (settled === null || !isOutput(format) || !this.#isCarried(format)) return false;
    if (settled === undefined) return true;
    return this.#rules.fixes === "codec"
      ? settled.codec === format.codec
      : sameAudioFormat(settled, format);
  }

  /** What audio that is not copied is encoded to; null if no encoder makes the settled format. */
  encoding(channels: SampleFormat["channels"]): AudioEncoding | null {
    const settled = this.#format;
    if (settled === null) return null;
    if (settled === undefined) return { codec: this.#rules.codec, channels };
    const { codec } = settled;
    if (this.#rules.fixes === "codec") return { codec, channels: settled.channels === 1 ? 1 : 2 };
    const isMade = settled.sampleRate === SAMPLE_RATE && !settled.config;
    if (!isMade || (settled.channels !== 1 && settled.channels !== 2)) return null;
    return { codec, channels: settled.channels };
  }

  /** The format of encoded audio, as the packets of an encoder state it. */
  encoded(channels: SampleFormat["channels"]): OutputAudioFormat {
    return { codec: this.#rules.codec, sampleRate: SAMPLE_RATE, channels };
  }
}

const isOutput = (format: AudioFormat): format is OutputAudioFormat =>
  format.codec === "aac" || format.codec === "opus";

/** Without the packet that it may come from. */
const formatOf = ({
  codec,
  sampleRate,
  channels,
  config,
}: OutputAudioFormat): OutputAudioFormat => ({
  codec,
  sampleRate,
  channels,
  ...(config && { config }),
});

/** Asks `decide` only when the format changes. */
function rememberLast(decide: (format: AudioFormat) => boolean): (format: AudioFormat) => boolean {
  let last: { readonly format: AudioFormat; readonly answer: boolean } | null = null;
  return (format) => {
    if (!last || !sameAudioFormat(last.format, format)) last = { format, answer: decide(format) };
    return last.answer;
  };
}
