/** Compressed sound in, frames out. */
import type { AudioCodec, AudioPacket } from "../../media/encoded-packet.ts";
import { audioSpecificConfig, opusHead } from "./audio-header.ts";
import { AV_CODEC_ID_AAC, Codec, CodecContext, check, Frame, Packet } from "./libav.ts";

const find = (codec: AudioCodec): Codec | null =>
  codec === "aac"
    ? Codec.findDecoder(AV_CODEC_ID_AAC)
    : Codec.findDecoderByName("libopus" as never);

/** One open decoder, for packets of one format. Its calls take some 0.1 ms and block. */
export class AudioDecoder implements Disposable {
  readonly #format: Pick<AudioPacket, "codec" | "sampleRate" | "channels">;
  readonly #context = new CodecContext();
  readonly #packet = new Packet();
  readonly #frame = new Frame();

  /** Throws if the format is none that this FFmpeg can decode. */
  constructor({ codec, sampleRate, channels }: AudioPacket) {
    const decoder = find(codec);
    if (!decoder) throw new Error(`no decoder for ${codec}`);
    this.#format = { codec, sampleRate, channels };
    this.#context.allocContext3(decoder);
    this.#context.threadCount = 1;
    const header = codec === "aac" ? audioSpecificConfig(sampleRate, channels) : opusHead(channels);
    this.#context.extraData = Buffer.from(header);
    try {
      check(this.#context.open2Sync(decoder), `open the ${codec} decoder`);
    } catch (error) {
      this.#context.freeContext();
      throw error;
    }
    this.#packet.alloc();
    this.#frame.alloc();
  }

  /** True if the packet is of the format this decoder was opened for. */
  takes({ codec, sampleRate, channels }: AudioPacket): boolean {
    const { codec: own, sampleRate: rate, channels: count } = this.#format;
    return codec === own && sampleRate === rate && channels === count;
  }

  /**
   * The packet's frame, whose first sample belongs to the packet's pts; null if the packet is damaged. It is the
   * decoder's, and good until the next call.
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
