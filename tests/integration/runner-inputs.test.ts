/** Inputs as clients of Live Runner publish them: segments of FFmpeg's segment muxer, several files in one (live-runner.md 6). */
import { afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { ContainerReader } from "../../src/engine/source/container-reader.ts";
import type { AudioPacket, VideoPacket } from "../../src/media/encoded-packet.ts";
import type { IncomingChunk } from "../../src/trickle/client/segment-copy.ts";
import { tsSegments } from "../support/clip.ts";
import { decoded, pool, type Seen, times } from "../support/clip-codec.ts";
import { lumaOf, synthetic } from "../support/clip-synthetic.ts";
import { ffmpegFiles, hasFfmpeg } from "../support/ffmpeg.ts";
import { RecordingObserver } from "../support/recording-observer.ts";

setDefaultTimeout(20_000);
beforeAll(quietLibav);
afterEach(() => expect(pool.live).toBe(0));

const PART = { width: 128, height: 96 };

/** The segments as they arrive, in pieces that respect no boundary. */
function chunksOf(segments: readonly Uint8Array[], size = 4000): IncomingChunk[] {
  return segments.flatMap((segment, seq) =>
    Array.from({ length: Math.ceil(segment.length / size) }, (_, index) => ({
      seq,
      data: segment.subarray(index * size, (index + 1) * size),
      first: index === 0,
      last: (index + 1) * size >= segment.length,
      complete: true,
      arrivedAt: 0,
    })),
  );
}

function demuxed(segments: readonly Uint8Array[], size?: number) {
  const reader = new ContainerReader();
  const packets = chunksOf(segments, size).flatMap((chunk) => reader.read(chunk));
  return {
    video: packets.filter((packet): packet is VideoPacket => packet.kind === "video"),
    audio: packets.filter((packet): packet is AudioPacket => packet.kind === "audio"),
  };
}

/** Joins files until a segment has a second, as a publisher does whose segments last at least that on the clock. */
function joined(files: readonly Uint8Array[], each: number): Uint8Array[] {
  const segments: Uint8Array[] = [];
  for (let at = 0; at < files.length; at += each)
    segments.push(new Uint8Array(Buffer.concat(files.slice(at, at + each))));
  return segments;
}

/** Whether these are the frames `from` to `to`, each once and in order. */
function expectFrames(seen: readonly Seen[], from: number, to: number): void {
  expect(seen).toHaveLength(to - from);
  for (const [index, { luma }] of seen.entries())
    expect(Math.abs(luma - lumaOf(from + index))).toBeLessThan(4);
}

/** Five seconds of 20 frames each, and their files of one group of pictures each. */
async function files(seconds: number): Promise<Uint8Array[]> {
  const media = await synthetic({ parts: [{ ...PART, frames: 100 }], fps: 20, gop: 20 * seconds });
  return tsSegments(media, { seconds, restartCounters: true });
}

test.each([
  [0.25, 4, 20],
  [1, 1, 5],
  [2, 1, 3],
])(
  "with a key frame each %d s, in segments of %d files, every frame is decoded once (M1)",
  async (seconds, each, count) => {
    const made = await files(seconds);
    expect(made).toHaveLength(count);
    const { video } = demuxed(joined(made, each));
    expect(video.map(({ pts }) => Number(pts))).toEqual(times(100, 4500));
    expectFrames(await decoded(video), 0, 100);
  },
);

test.skipIf(!hasFfmpeg)(
  "of FFmpeg's segment muxer, the first video and the first audio track are read, each frame once",
  async () => {
    // The frames of `synthetic`, and a track that is something else.
    const grey = "geq=lum='40+mod(2*N,160)':cb=128:cr=128";
    const made = await ffmpegFiles(
      [
        ...["-f", "lavfi", "-i", `color=size=128x96:rate=20:duration=4,format=yuv420p,${grey}`],
        ...["-f", "lavfi", "-i", "testsrc=size=64x64:rate=20:duration=4"],
        ...["-f", "lavfi", "-i", "sine=duration=4:sample_rate=48000"],
        ...["-map", "0", "-map", "1", "-map", "2", "-map", "2", "-ac:a:0", "1", "-ac:a:1", "2"],
        ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-bf", "0"],
        ...["-pix_fmt", "yuv420p", "-force_key_frames", "expr:gte(t,n_forced*0.25)"],
        ...[
          "-c:a",
          "libopus",
          "-f",
          "segment",
          "-segment_time",
          "0.25",
          "-segment_format",
          "mpegts",
        ],
      ],
      "%03d.ts",
    );
    expect(made.length).toBe(16);
    const { video, audio } = demuxed(joined(made, 4));
    expectFrames(await decoded(video), 0, 80);
    expect(new Set(audio.map(({ codec, channels }) => `${codec} ${channels}`))).toEqual(
      new Set(["opus 1"]),
    );
    expect(audio.length).toBeWithin(199, 203);
  },
);

test.each([5, 4000])(
  "in pieces of %d bytes, a segment that a server cut off in the middle of a packet is read up to there, and then from the next key frame on",
  async (size) => {
    const [first, second, ...rest] = await files(1);
    if (!first || !second) throw new Error("no files");
    const cut = second.subarray(0, Math.floor(second.length / 188 / 2) * 188 + 100);
    const { video } = demuxed([first, cut, ...rest], size);
    const seen = await decoded(video);
    const inCut = seen.length - 80;
    expect(inCut).toBeWithin(1, 19);
    expectFrames(seen.slice(0, 20 + inCut), 0, 20 + inCut);
    expectFrames(seen.slice(20 + inCut), 40, 100);
    expect(
      video.map(({ afterLoss }, index) => (afterLoss ? index : -1)).filter((index) => index >= 0),
    ).toEqual([20 + inCut]);
  },
);

test("pictures that refer to lost ones are left out", async () => {
  const whole = new Uint8Array(Buffer.concat(await files(1)));
  // In the second group of pictures a few packets are missing, and a segment begins behind them.
  const at = Math.floor((whole.length * 0.3) / 188) * 188;
  const { video } = demuxed([whole.subarray(0, at + 20), whole.subarray(at + 188 * 5)]);
  const observer = new RecordingObserver();
  const seen = await decoded(video, observer);
  expectFrames(seen.slice(-60), 40, 100);
  expectFrames(seen.slice(0, -60), 0, seen.length - 60);
  expect(seen.length - 60).toBeWithin(20, 40);
  expect(observer.framesDropped).toBe(video.length - seen.length);
  expect(observer.framesDropped).toBeGreaterThan(0);
});

test("a stream that is cut into segments anywhere loses nothing", async () => {
  const whole = new Uint8Array(Buffer.concat(await files(1)));
  const segments: Uint8Array[] = [];
  for (let at = 0; at < whole.length; at += 3001) segments.push(whole.subarray(at, at + 3001));
  const { video } = demuxed(segments);
  expectFrames(await decoded(video), 0, 100);
});
