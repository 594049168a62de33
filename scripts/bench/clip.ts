/** Makes the clips that benchmarks play: H.264 in MPEG-TS as a live encoder sends it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FormatContext } from "node-av";
import {
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_YUV420P,
  Codec,
  CodecContext,
  check,
  Frame,
  Packet,
  quietLibav,
  Rational,
} from "../../src/engine/codec/libav.ts";
import { sharedData } from "../../tests/support/shared-data.ts";
import { FilterChain, type Steps } from "./filter-chain.ts";

export const CLIP_FPS = 30;
const TICKS_PER_FRAME = 90_000 / CLIP_FPS;
/** Frames between key frames; each starts a segment. */
export const SEGMENT_FRAMES = CLIP_FPS;

/** A clip on disk. Frame n has pts n / 30 s, is a key frame where n is a multiple of 30, and there are no B-frames. */
export interface Clip {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  /** File offset at which each frame's TS packets end; the first frame starts at 0. */
  readonly ends: readonly number[];
  /** What the clip shows. */
  readonly source: string;
}

/** A temporary folder for clips; removed when disposed. */
export class ClipFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<ClipFolder> {
    quietLibav();
    return new ClipFolder(await mkdtemp(join(tmpdir(), "bench-clips-")));
  }

  /** Makes a clip from `car-detection.mp4`, looped, scaled and cropped, or from a test pattern if that file is absent. */
  make(width: number, height: number, frames: number): Clip {
    const movie = sharedData("video/car-detection.mp4");
    const path = join(this.path, `${width}x${height}-${frames}.ts`);
    const ends = writeClip(path, pictures(movie, width, height), { width, height, frames });
    return { path, width, height, ends, source: movie ? "car-detection.mp4" : "testsrc2" };
  }

  /** Writes a clip's description to a file, for child processes; returns its path. */
  async describe(clip: Clip): Promise<string> {
    const path = `${clip.path}.json`;
    await Bun.write(path, JSON.stringify(clip));
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** The clip's bytes by frame: whole TS packets, including tables where the muxer wrote them. */
export async function accessUnits(clip: Clip): Promise<Uint8Array[]> {
  const bytes = await Bun.file(clip.path).bytes();
  return clip.ends.map((end, frame) => bytes.subarray(clip.ends[frame - 1] ?? 0, end));
}

function pictures(movie: string | null, width: number, height: number): Steps {
  if (movie === null) return [["testsrc2", `size=${width}x${height}:rate=${CLIP_FPS}`]];
  return [
    ["movie", `filename=${movie}:loop=0`],
    ["scale", `${width}:${height}:force_original_aspect_ratio=increase`],
    ["crop", `${width}:${height}`],
  ];
}

function writeClip(
  path: string,
  steps: Steps,
  { width, height, frames }: { width: number; height: number; frames: number },
): number[] {
  using source = new FilterChain([...steps, ["format", "pix_fmts=yuv420p"]]);
  const encoder = openEncoder(width, height);
  const muxer = new FormatContext();
  check(muxer.allocOutputContext2(null, "mpegts", path), "make a TS muxer");
  check(muxer.openOutputSync(), `open ${path}`);
  const stream = muxer.newStream();
  check(stream.codecpar.fromContext(encoder), "describe the track");
  stream.timeBase = new Rational(1, 90_000);
  check(muxer.writeHeaderSync(), "begin the clip");

  const frame = new Frame();
  const packet = new Packet();
  frame.alloc();
  packet.alloc();
  const ends: number[] = [];
  while (ends.length < frames && source.pull(frame)) {
    frame.pts = BigInt(ends.length * TICKS_PER_FRAME);
    frame.pictType = ends.length % SEGMENT_FRAMES === 0 ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    check(encoder.sendFrameSync(frame), "encode the clip");
    check(encoder.receivePacketSync(packet), "encode the clip");
    packet.streamIndex = 0;
    check(muxer.writeFrameSync(packet), "write the clip");
    check(muxer.writeFrameSync(null), "flush the clip");
    ends.push(Number(muxer.pbBytes));
    packet.unref();
    frame.unref();
  }
  check(muxer.writeTrailerSync(), "end the clip");
  muxer.closeOutputSync();
  muxer.freeContext();
  encoder.freeContext();
  frame.free();
  packet.free();
  return ends;
}

function openEncoder(width: number, height: number): CodecContext {
  const codec = Codec.findEncoderByName("libx264" as never);
  if (!codec) throw new Error("this FFmpeg has no libx264");
  const encoder = new CodecContext();
  encoder.allocContext3(codec);
  encoder.width = width;
  encoder.height = height;
  encoder.pixelFormat = AV_PIX_FMT_YUV420P;
  encoder.timeBase = new Rational(1, 90_000);
  encoder.framerate = new Rational(CLIP_FPS, 1);
  encoder.gopSize = 100_000;
  encoder.maxBFrames = 0;
  encoder.threadCount = 1;
  const settings = { preset: "superfast", tune: "zerolatency", crf: "23", "forced-idr": "1" };
  for (const [name, value] of Object.entries(settings)) {
    check(encoder.setOption(name, value), `set ${name}`);
  }
  check(encoder.open2Sync(codec), "open libx264");
  return encoder;
}
