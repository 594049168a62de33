/** Reads media with FFmpeg's own demuxers and decoders, independently of the product's. */
import {
  Codec,
  CodecContext,
  FormatContext,
  Frame,
  IOContext,
  Packet,
  type Rational,
} from "node-av";
import {
  AVERROR_EOF,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  AVSEEK_SIZE,
} from "node-av/constants";

export interface ReadPacket {
  readonly data: Uint8Array;
  /** In 90 kHz ticks, as are all times here. */
  readonly pts: number;
  readonly dts: number;
  readonly keyFrame: boolean;
}

export interface ReadFrame {
  readonly pts: number;
  readonly width: number;
  readonly height: number;
  /** Mean of the luma plane, or the number of samples in an audio frame. */
  readonly measure: number;
  readonly corrupt: boolean;
  /** Of pictures, filled by `decodePictures` only: one byte a pixel. */
  readonly luma: Uint8Array | null;
}

export interface ReadTrack {
  readonly kind: "video" | "audio";
  readonly codecName: string;
  readonly sampleRate: number;
  readonly channels: number;
  readonly frameSize: number;
  readonly extradata: Uint8Array;
  readonly packets: ReadPacket[];
  /** Filled by `decodeMedia` only. */
  readonly frames: ReadFrame[];
}

export interface ReadMedia {
  readonly video: ReadTrack | null;
  readonly audio: ReadTrack | null;
}

/** Demuxes a complete file, in memory or at a path, with FFmpeg. */
export const readMedia = (source: Uint8Array | string): Promise<ReadMedia> =>
  read(source, "packets");

/** Demuxes and decodes a complete file with FFmpeg. */
export const decodeMedia = (source: Uint8Array | string): Promise<ReadMedia> =>
  read(source, "frames");

/** As `decodeMedia`, and keeps what the pictures look like. */
export const decodePictures = (source: Uint8Array | string): Promise<ReadMedia> =>
  read(source, "pictures");

/** How much is kept of a file. */
type Depth = "packets" | "frames" | "pictures";

async function read(source: Uint8Array | string, depth: Depth): Promise<ReadMedia> {
  const context = new FormatContext();
  const io = new IOContext();
  if (typeof source !== "string") {
    context.allocContext();
    io.allocContextWithCallbacks(65536, 0, ...memory(source));
    context.pb = io;
  }
  check(await context.openInput(typeof source === "string" ? source : "", null, null), "open");
  try {
    check(await context.findStreamInfo(null), "probe");
    const readers = context.streams.map((stream) => new TrackReader(stream, depth));
    const packet = new Packet();
    packet.alloc();
    for (;;) {
      const code = await context.readFrame(packet);
      if (code === AVERROR_EOF) break;
      check(code, "read a packet");
      readers[packet.streamIndex]?.take(packet);
      packet.unref();
    }
    packet.free();
    const tracks = readers.map((reader) => reader.end());
    return {
      video: tracks.find((track) => track?.kind === "video") ?? null,
      audio: tracks.find((track) => track?.kind === "audio") ?? null,
    };
  } finally {
    if (typeof source !== "string") context.pb = null;
    await context.closeInput();
    if (typeof source !== "string") io.freeContext();
  }
}

/** One track being collected. */
class TrackReader {
  readonly #track: ReadTrack | null;
  readonly #timeBase: Rational;
  readonly #decoder: CodecContext | null = null;

  readonly #depth: Depth;

  constructor(stream: FormatContext["streams"][number], depth: Depth) {
    this.#depth = depth;
    const { codecpar, timeBase } = stream;
    this.#timeBase = timeBase;
    const codec = Codec.findDecoder(codecpar.codecId);
    const kind =
      codecpar.codecType === AVMEDIA_TYPE_VIDEO
        ? "video"
        : codecpar.codecType === AVMEDIA_TYPE_AUDIO
          ? "audio"
          : null;
    this.#track = kind && {
      kind,
      codecName: codec?.name ?? "unknown",
      sampleRate: codecpar.sampleRate,
      channels: codecpar.channels,
      frameSize: codecpar.frameSize,
      extradata: Uint8Array.from(codecpar.extradata ?? []),
      packets: [],
      frames: [],
    };
    if (depth === "packets" || !codec || !kind) return;
    this.#decoder = new CodecContext();
    this.#decoder.allocContext3(codec);
    check(this.#decoder.parametersToContext(codecpar), "copy codec parameters");
    this.#decoder.threadCount = 1;
    this.#decoder.pktTimebase = timeBase;
    check(this.#decoder.open2Sync(codec), `open ${codec.name}`);
  }

  take(packet: Packet): void {
    if (!this.#track) return;
    this.#track.packets.push({
      data: Uint8Array.from(packet.data ?? []),
      pts: this.#ticks(packet.pts),
      dts: this.#ticks(packet.dts),
      keyFrame: packet.isKeyframe,
    });
    if (!this.#decoder) return;
    check(this.#decoder.sendPacketSync(packet), `decode ${this.#track.codecName}`);
    this.#receive();
  }

  end(): ReadTrack | null {
    if (this.#decoder) {
      this.#decoder.sendPacketSync(null);
      this.#receive();
      this.#decoder.freeContext();
    }
    return this.#track;
  }

  #receive(): void {
    const frame = new Frame();
    frame.alloc();
    while (this.#decoder && this.#decoder.receiveFrameSync(frame) >= 0) {
      const { width, height } = frame;
      const isVideo = this.#track?.kind === "video";
      this.#track?.frames.push({
        pts: this.#ticks(frame.bestEffortTimestamp),
        width,
        height,
        measure: isVideo ? meanLuma(frame) : frame.nbSamples,
        corrupt: frame.decodeErrorFlags !== 0,
        luma: isVideo && this.#depth === "pictures" ? lumaOf(frame) : null,
      });
      frame.unref();
    }
    frame.free();
  }

  #ticks(value: bigint): number {
    const { num, den } = this.#timeBase;
    return Math.round((Number(value) * 90_000 * num) / den);
  }
}

function lumaOf(frame: Frame): Uint8Array {
  const { width, height } = frame;
  const plane = frame.data?.[0] ?? new Uint8Array();
  const stride = frame.linesize[0] ?? 0;
  const luma = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    luma.set(plane.subarray(y * stride, y * stride + width), y * width);
  return luma;
}

function meanLuma(frame: Frame): number {
  const plane = frame.data?.[0];
  const stride = frame.linesize[0] ?? 0;
  if (!plane) return Number.NaN;
  let sum = 0;
  let count = 0;
  for (let y = 0; y < frame.height; y += 8) {
    for (let x = 0; x < frame.width; x += 8) {
      sum += plane[y * stride + x] ?? 0;
      count++;
    }
  }
  return sum / count;
}

type ReadCallbacks = [
  read: (size: number) => Buffer | null,
  write: null,
  seek: (offset: bigint, whence: number) => bigint,
];

/** `bytes` as a file that FFmpeg can seek in. */
function memory(bytes: Uint8Array): ReadCallbacks {
  let at = 0;
  return [
    (size) => {
      const part = bytes.subarray(at, at + size);
      at += part.length;
      return part.length > 0 ? Buffer.from(part) : null;
    },
    null,
    (offset, whence) => {
      if (whence & AVSEEK_SIZE) return BigInt(bytes.length);
      const base = whence === 1 ? at : whence === 2 ? bytes.length : 0;
      at = base + Number(offset);
      return BigInt(at);
    },
  ];
}

function check(code: number, doing: string): void {
  if (code < 0) throw new Error(`second reader: ${doing}: FFmpeg returned ${code}`);
}
