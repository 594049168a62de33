/** Matroska through the whole pipeline: clips as files and as pieces of one, sizes that change, and damage. */
import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtInHost } from "../support/built-in-host.ts";
import { decodeAlone, fragmentsOf } from "../support/clip-output.ts";
import { ClipRun } from "../support/clip-pipeline.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { CLIPS } from "../support/clips.ts";
import { ffmpeg, hasFfmpeg } from "../support/ffmpeg.ts";
import { muxFile } from "../support/file-muxer.ts";
import { beginningOf, fileOf, filesOf, piecesOf } from "../support/mkv-segments.ts";
import { encodeVideo } from "../support/video-source.ts";

/** What a header says of the size does not matter to the pictures. */
const SIZE = { width: 320, height: 180 };
const SMALL = { model: "identity", size: { width: 256, height: 144 } } as const;
const MILLISECOND = 90;

const host = await builtInHost("identity");

async function play(segments: readonly Uint8Array[], lossy = false): Promise<ClipRun> {
  const run = new ClipRun({ segments, host, params: SMALL, lossy });
  await run.pipeline.run();
  expect(run.pipeline.frames).toBe(0);
  return run;
}

for (const { name, missing, frames, open } of CLIPS) {
  test.skipIf(missing)(
    `${name}, as a file a segment and as one file over all: every picture at its time, the sound in step`,
    async () => {
      const pictures = Math.min(frames, 120);
      const media = beginningOf((await open()).media, pictures);
      const stamps = (media.video?.packets ?? []).map(({ pts }) => pts).sort((a, b) => a - b);
      for (const segments of [filesOf(media, SIZE), piecesOf(fileOf(media, SIZE), 9999)]) {
        const run = await play(segments);
        expect(run).toMatchObject({
          framesIn: pictures,
          framesOut: pictures,
          framesDropped: 0,
          troubles: [],
        });
        const out = await decodeAlone(run);
        // Matroska counts milliseconds.
        for (const [index, { pts }] of out.video.entries()) {
          expect(Math.abs(pts - (stamps[index] ?? 0))).toBeLessThanOrEqual(MILLISECOND);
        }
        if (!media.audio) continue;
        const offset = (media.audio.packets[0]?.pts ?? 0) - (stamps[0] ?? 0);
        const made = (out.audio[0]?.pts ?? 0) - (out.video[0]?.pts ?? 0);
        expect(Math.abs(made - offset)).toBeLessThan(20 * MILLISECOND);
        expect(out.audio.length).toBeGreaterThanOrEqual(media.audio.packets.length - 1);
      }
    },
  );
}

test("files whose clocks each begin at zero play one after the other, B-frames and all", async () => {
  const parts = [{ ...SIZE, frames: 12 }];
  const clip = await synthetic({ parts, gop: 12, bFrames: 2, audio: { codec: "opus" } });
  const file = fileOf(clip, SIZE);
  const run = await play([file, file, file, file]);
  expect(run).toMatchObject({ framesIn: 48, framesOut: 48, framesDropped: 0, troubles: [] });
  const stamps = (await decodeAlone(run)).video.map(({ pts }) => pts);
  for (const [index, pts] of stamps.entries()) {
    if (index > 0) expect(Math.abs(pts - (stamps[index - 1] ?? 0) - 3000)).toBeLessThan(500);
  }
});

test("pictures of VP8 and VP9 that change their size in mid-stream all come out", async () => {
  const luma = (x: number, y: number, time: number): number => (x + 2 * y + 9 * time) & 0xff;
  for (const codec of ["libvpx", "libvpx-vp9"] as const) {
    const parts = [
      { width: 320, height: 240 },
      { width: 176, height: 144 },
      { width: 330, height: 250 },
    ].map((size) => encodeVideo({ codec, ...size, frames: 10, luma }));
    const packets = parts.flatMap((part, index) =>
      part.map((packet) => {
        const later = index * 36_000;
        return { ...packet, pts: packet.pts + later, dts: packet.dts + later };
      }),
    );
    const [first] = packets;
    if (!first) throw new Error("nothing was encoded");
    const video = { codec: first.codec, width: 320, height: 240, packets };
    const run = await play([muxFile({ format: "webm", video })]);
    expect(run).toMatchObject({ framesIn: 30, framesOut: 30, framesDropped: 0, troubles: [] });
  }
});

test.skipIf(!hasFfmpeg)(
  "VP8's hidden frames are decoded, and neither counted nor missed (needs ffmpeg)",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "two-pass-"));
    const args = [
      ...["-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=1", "-c:v", "libvpx", "-b:v", "200k"],
      ...["-auto-alt-ref", "1", "-lag-in-frames", "16", "-deadline", "good", "-cpu-used", "5"],
      ...["-passlogfile", join(folder, "log"), "-pass"],
    ];
    await ffmpeg([...args, "1"], "first.webm");
    const file = await ffmpeg([...args, "2"], "second.webm");
    await rm(folder, { recursive: true });
    const run = await play([file]);
    expect(run).toMatchObject({ framesIn: 25, framesOut: 25, framesDropped: 0, troubles: [] });
  },
);

test("flipped bytes and lost parts anywhere leave segments that can be read, and stamps that rise", async () => {
  const parts = [{ width: 64, height: 64, frames: 60 }];
  const media = await synthetic({ parts, gop: 10, audio: { codec: "opus" }, start: 90_000 });
  const segments = filesOf(media, { width: 64, height: 64 });
  let state = 2026;
  const random = (below: number): number => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * below);
  };
  let frames = 0;
  for (let round = 0; round < 9; round++) {
    const damaged = segments.map((segment, index) => {
      if (index === 0) return segment;
      const bytes = segment.slice();
      for (let hit = 0; hit < 8; hit++) bytes[random(bytes.length)] = random(256);
      const lost = random(bytes.length);
      return round % 3 === 0
        ? Uint8Array.from([...bytes.subarray(0, lost), ...bytes.subarray(lost + 200)])
        : bytes;
    });
    const run = await play(damaged, true);
    frames += run.framesOut;
    for (const track of [1, 2]) {
      const stamps = fragmentsOf(run)
        .filter((fragment) => fragment.track === track)
        .flatMap((fragment) => fragment.samples.map(({ dts }) => dts));
      expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
    }
  }
  expect(frames).toBeGreaterThan(9 * 20);
});
