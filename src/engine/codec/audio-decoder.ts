/** Decodes audio packets of one format through FFmpeg. */
import { audioSpecificConfig, lowComplexity } from "../../media/aac.ts";
import {
  type AudioFormat,
  type AudioPacket,
  type InputAudioCodec,
  sameAudioFormat,
} from "../../media/encoded-packet.ts";
import { opusHead } from "../../media/opus.ts";
import { Codec, CodecContext, check, Frame, Packet } from "./libav.ts";

/** FFmpeg's decoders; those for MPEG audio and Opus put out floats. */
const DECODERS: Readonly<Record<InputAudioCodec, string>> = {
  aac: "aac",
  aac_latm: "aac_latm",
  opus: "libopus",
  mp2: "mp2float",
  mp3: "mp3float",
  ac3: "ac3",
  eac3: "eac3",
  flac: "flac",
  vorbis: "vorbis",
};

/** One open decoder, for packets of one format. Its calls take some 0.1 ms and block. */
export class AudioDecoder implements Disposable {
  readonly #format: AudioFormat;
  readonly #context = new CodecContext();
  readonly #packet = new Packet();
  readonly #frame = new Frame();

  /** Throws if this FFmpeg cannot decode the format. */
  constructor({ codec, sampleRate, channels, config }: AudioFormat) {
    const decoder = Codec.findDecoderByName(DECODERS[codec] as never);
    if (!decoder) throw new Error(`this FFmpeg has no decoder for ${codec}`);
    this.#format = { codec, sampleRate, channels, ...(config && { config }) };
    this.#context.allocContext3(decoder);
    this.#context.threadCount = 1;
    const extraData = configOf(this.#format);
    if (extraData) this.#context.extraData = Buffer.from(extraData);
    try {
      check(this.#context.open2Sync(decoder), `open the ${codec} decoder`);
    } catch (error) {
      this.#context.freeContext();
      throw error;
    }
    this.#packet.alloc();
    this.#frame.alloc();
  }

  /** True if the packet is of the format that this decoder was opened for. */
  takes(packet: AudioPacket): boolean {
    return sameAudioFormat(packet, this.#format);
  }

  /**
   * The packet's frame, whose first sample belongs to the packet's pts; null if the packet is damaged.
   * The frame stays the decoder's and is valid until the next call.
   */
  decode({ data }: AudioPacket): Frame | null {
    this.#frame.unref();
    this.#packet.data = Buffer.from(data.buffer, data.byteOffset, data.length);
    const sent = this.#context.sendPacketSync(this.#packet);
    this.#packet.unref();
    return sent >= 0 && this.#context.receiveFrameSync(this.#frame) >= 0 ? this.#frame : null;
  }

  /** Forgets what came before: the next packet does not follow the last. */
  reset(): void {
    this.#context.flushBuffers();
  }

  [Symbol.dispose](): void {
    this.#frame.free();
    this.#packet.free();
    this.#context.freeContext();
  }
}

/** The format's own configuration, or the usual one where packets do not contain any. */
function configOf({ codec, sampleRate, channels, config }: AudioFormat): Uint8Array | null {
  if (config) return config;
  if (codec === "aac") return audioSpecificConfig(lowComplexity(sampleRate, channels));
  return codec === "opus" ? opusHead(channels) : null;
}
