/** Muxes MPEG-TS in memory with FFmpeg, cut into segments where a test wants. */
import { FormatContext, IOContext, Packet, type Stream } from "node-av";
import {
  AV_CHANNEL_ORDER_NATIVE,
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_OPUS,
  AV_PKT_FLAG_KEY,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
} from "node-av/constants";

/** A track as the muxer needs it. `extradata` is AudioSpecificConfig, OpusHead or parameter sets. */
export type MuxTrack =
  | { readonly kind: "video"; readonly extradata?: Uint8Array }
  | {
      readonly kind: "audio";
      readonly codec: "aac" | "opus";
      readonly sampleRate: number;
      readonly channels: number;
      readonly frameSize: number;
      readonly extradata: Uint8Array;
    };

/** One packet in 90 kHz ticks. */
export interface MuxPacket {
  readonly data: Uint8Array;
  readonly pts: number;
  readonly dts: number;
  readonly keyFrame: boolean;
}

export class TsMuxer implements Disposable {
  readonly #context = new FormatContext();
  readonly #io = new IOContext();
  readonly #packet = new Packet();
  readonly #streams: Stream[];
  #chunks: Buffer[] = [];

  /** `options` are the mpegts muxer's own, e.g. `{ omit_video_pes_length: "0" }`. */
  constructor(tracks: readonly MuxTrack[], options: Readonly<Record<string, string>> = {}) {
    check(this.#context.allocOutputContext2(null, "mpegts", null));
    this.#io.allocContextWithCallbacks(65536, 1, null, (bytes) => {
      this.#chunks.push(Buffer.from(bytes));
      return bytes.length;
    });
    this.#context.pb = this.#io;
    this.#streams = tracks.map((track) => {
      const stream = this.#context.newStream();
      const { codecpar } = stream;
      if (track.kind === "video") {
        codecpar.codecType = AVMEDIA_TYPE_VIDEO;
        codecpar.codecId = AV_CODEC_ID_H264;
      } else {
        codecpar.codecType = AVMEDIA_TYPE_AUDIO;
        codecpar.codecId = track.codec === "aac" ? AV_CODEC_ID_AAC : AV_CODEC_ID_OPUS;
        codecpar.sampleRate = track.sampleRate;
        codecpar.channelLayout = {
          nbChannels: track.channels,
          order: AV_CHANNEL_ORDER_NATIVE,
          mask: track.channels === 1 ? 4n : 3n,
        };
        codecpar.frameSize = track.frameSize;
      }
      if (track.extradata) codecpar.extradata = Buffer.from(track.extradata);
      return stream;
    });
    for (const [name, value] of Object.entries({ mpegts_copyts: "1", ...options })) {
      check(this.#context.setOption(name, value));
    }
    check(this.#context.writeHeaderSync());
    this.#packet.alloc();
  }

  /** `track` is an index into the constructor's list. */
  write(track: number, { data, pts, dts, keyFrame }: MuxPacket): void {
    const stream = this.#streams[track];
    if (!stream) throw new Error(`no track ${track}`);
    this.#packet.data = Buffer.from(data);
    this.#packet.streamIndex = stream.index;
    this.#packet.pts = BigInt(pts);
    this.#packet.dts = BigInt(dts);
    this.#packet.flags = (keyFrame ? AV_PKT_FLAG_KEY : 0) as typeof AV_PKT_FLAG_KEY;
    check(this.#context.writeFrameSync(this.#packet));
    this.#packet.unref();
  }

  /** Returns everything written since the last cut. */
  cut(): Uint8Array {
    check(this.#context.writeFrameSync(null));
    this.#context.flushSync();
    this.#io.flushSync();
    return Uint8Array.from(Buffer.concat(this.#chunks.splice(0)));
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#context.pb = null;
    this.#context.freeContext();
    this.#io.freeContext();
  }
}

function check(code: number): void {
  if (code < 0) throw new Error(`mpegts muxer: FFmpeg returned ${code}`);
}
