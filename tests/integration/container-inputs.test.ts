/** Every codec in every file format, end to end: files of FFmpeg's muxers in real time through the real server. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { decodePictures, type ReadFrame } from "../support/clip-reader.ts";
import { FLASH_AND_BEEP, ffmpeg, hasFfmpeg } from "../support/ffmpeg.ts";
import { type FieldOutput, restreamFile } from "../support/field-input.ts";
import { muxFile } from "../support/file-muxer.ts";
import { enginePid } from "../support/live-stream.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { soundTrack } from "../support/sound.ts";
import { encodeVideo, type VideoSourceOptions } from "../support/video-source.ts";

setDefaultTimeout(60_000);

const PICTURES = 25;
const SIZE = { width: 320, height: 240 };
const FRAGMENTED = { movflags: "frag_keyframe+empty_moov+default_base_moof" };
const WITH_B_FRAMES = { keyInterval: PICTURES };
const LOW_DELAY = { params: "pred-struct=1:lookahead=0" };

type Encoder = NonNullable<VideoSourceOptions["codec"]>;

/** Pictures that differ, so that one in another's place shows. */
const luma = (x: number, y: number, time: number): number => (x + 2 * y + 9 * time) & 0xff;

function encode(codec: Encoder, options: Partial<VideoSourceOptions> = {}) {
  const packets = encodeVideo({ codec, ...SIZE, frames: PICTURES, luma, ...options });
  const made = packets[0]?.codec;
  if (!made) throw new Error(`${codec} made no packet`);
  return { codec: made, ...SIZE, packets };
}

const opus = () => soundTrack({ codec: "opus", seconds: 1 });

const file = (format: string, encoder: Encoder, options: Partial<VideoSourceOptions>): Uint8Array =>
  muxFile({
    format,
    video: encode(encoder, options),
    audio: opus(),
    options: format === "mp4" ? FRAGMENTED : {},
  });

const MATRIX: readonly (readonly [string, () => Uint8Array])[] = [
  ["H.264 with B-frames in Matroska", () => file("matroska", "libx264", WITH_B_FRAMES)],
  ["H.265 with B-frames in Matroska", () => file("matroska", "libx265", WITH_B_FRAMES)],
  ["VP8 in WebM", () => file("webm", "libvpx", {})],
  ["VP9 in WebM", () => file("webm", "libvpx-vp9", {})],
  ["AV1 in WebM", () => file("webm", "libsvtav1", LOW_DELAY)],
  ["H.265 with B-frames in fragmented MP4", () => file("mp4", "libx265", WITH_B_FRAMES)],
  ["VP9 in fragmented MP4", () => file("mp4", "libvpx-vp9", {})],
  ["AV1 in fragmented MP4", () => file("mp4", "libsvtav1", LOW_DELAY)],
];

let server: ServerProcess;
beforeAll(async () => {
  quietLibav();
  // A machine that is busy with other tests may be late; what is tested is that all pictures are read.
  const patient = ["--frame-queue", "64", "--max-frame-age-ms", "10000", "--max-streams", "16"];
  server = await startServer(MAIN, patient);
  await enginePid(server.url);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

/** Real time is waited for once: all of them are sent at the same time. */
function sendTogether(
  inputs: readonly (() => Uint8Array | Promise<Uint8Array>)[],
  seconds: number,
) {
  let runs: Promise<{ bytes: Uint8Array; output: FieldOutput }>[] | null = null;
  return async (index: number) => {
    if (!runs) {
      const files: Uint8Array[] = [];
      for (const make of inputs) files.push(await make());
      runs = files.map(async (bytes) => ({
        bytes,
        output: await restreamFile(server.url, bytes, { seconds }),
      }));
    }
    const run = runs[index];
    if (!run) throw new Error(`no input ${index}`);
    return await run;
  };
}

describe("all pictures and all sound of an input come out", () => {
  const sent = sendTogether(
    MATRIX.map(([, make]) => make),
    1,
  );
  for (const [index, [name]] of MATRIX.entries()) {
    test(name, async () => {
      const { bytes, output } = await sent(index);
      const { stats, pictures, errors } = output;
      expect(errors).toEqual([]);
      expect([stats.frames_in, stats.frames_out, stats.frames_dropped]).toEqual([
        PICTURES,
        PICTURES,
        0,
      ]);
      expect(pictures.some(({ corrupt }) => corrupt)).toBe(false);
      const { video } = await decodePictures(bytes);
      expect(meanPsnr(pictures, video?.frames ?? [])).toBeGreaterThan(30);
      // Opus is copied: as many frames as there were, but for one that ends before the first picture.
      expect(output.audioCodec).toBe("opus");
      expect(output.sound.length).toBeGreaterThanOrEqual(48);
      expect(output.heard.loudness).toBeGreaterThan(0.01);
    });
  }
});

describe("sound stays with its picture (needs ffmpeg)", () => {
  const CASES = [
    ["AAC in Matroska", ["-c:a", "aac"], "in.mkv"],
    ["Vorbis in Matroska", ["-c:a", "libvorbis"], "in.mkv"],
    [
      "Opus with VP8 in WebM",
      ["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"],
      "in.webm",
    ],
  ] as const;
  const sent = sendTogether(
    CASES.map(
      ([, args, name]) =>
        () =>
          ffmpeg([...FLASH_AND_BEEP, ...args], name),
    ),
    3,
  );
  for (const [index, [name]] of CASES.entries()) {
    test.skipIf(!hasFfmpeg)(name, async () => {
      const { output } = await sent(index);
      expect(output.errors).toEqual([]);
      expect(output.pictures.length).toBe(75);
      const flash = (output.pictures.find(({ measure }) => measure > 150)?.pts ?? 0) / 90_000;
      expect(output.heard.onsets.length).toBe(1);
      expect(Math.abs((output.heard.onsets[0] ?? 0) - flash)).toBeLessThan(0.025);
    });
  }
});

/** Mean over the pictures of the peak signal-to-noise ratio, in decibels. */
function meanPsnr(pictures: readonly ReadFrame[], originals: readonly ReadFrame[]): number {
  const each = pictures.map(({ luma: own }, index) => {
    const original = originals[index]?.luma ?? new Uint8Array(0);
    if (!own || own.length !== original.length) return 0;
    let square = 0;
    for (const [at, value] of own.entries()) square += (value - (original[at] ?? 0)) ** 2;
    return 10 * Math.log10(255 ** 2 / Math.max(square / own.length, 1e-3));
  });
  return each.reduce((sum, value) => sum + value, 0) / each.length;
}
