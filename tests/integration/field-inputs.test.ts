/** Inputs as senders in the field make them, end to end: each file in real time through the real server. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { decodePictures, type ReadFrame } from "../support/clip-reader.ts";
import { FLASH_AND_BEEP, ffmpeg, hasFfmpeg } from "../support/ffmpeg.ts";
import { type FieldOutput, restreamFile } from "../support/field-input.ts";
import { enginePid } from "../support/live-stream.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { sharedData } from "../support/shared-data.ts";
import { PACKINGS, type Packing, transportStream } from "../support/ts-packetizer.ts";
import { encodeVideo, type VideoSourceOptions } from "../support/video-source.ts";

setDefaultTimeout(60_000);

interface Case {
  readonly file: string;
  readonly seconds: number;
  readonly pictures: number;
  /** Audio frames of the output, at least; absent: it has no audio. */
  readonly sound?: number;
  /** Pictures are not 40 ms apart. */
  readonly uneven?: true;
  readonly check?: (output: FieldOutput, path: string) => void | Promise<void>;
}

const CASES: readonly Case[] = [
  { file: "ts-stamp-on-every-second-picture.ts", seconds: 3, pictures: 75, check: looksLikeInput },
  { file: "ts-one-pes-a-slice.ts", seconds: 3, pictures: 75, check: looksLikeInput },
  {
    file: "ts-hevc-without-random-access-flag.ts",
    seconds: 4,
    pictures: 100,
    check: looksLikeInput,
  },
  {
    file: "ts-first-program-is-radio.ts",
    seconds: 2.2,
    pictures: 55,
    sound: 90,
    check: looksLikeInput,
  },
  { file: "ts-pixels-not-square.ts", seconds: 5, pictures: 125, check: hasRoundCircle },
  { file: "ts-interlaced.ts", seconds: 5, pictures: 125, check: hasNoCombs },
  { file: "ts-mp2-sound.ts", seconds: 2.2, pictures: 53, sound: 90, check: isHeard },
  {
    file: "fmp4-opus-of-constant-size.mp4",
    seconds: 2,
    pictures: 50,
    sound: 101,
    uneven: true,
    check: isHeard,
  },
  {
    file: "fmp4-edit-list-delays-sound.mp4",
    seconds: 6,
    pictures: 150,
    sound: 210,
    check: beepsAfterFlash,
  },
];

let server: ServerProcess | undefined;
beforeAll(async () => {
  quietLibav();
  // A machine that is busy with other tests may be late; what is tested is that all pictures are read.
  server = await startServer(MAIN, ["--frame-queue", "64", "--max-frame-age-ms", "10000"]);
  await enginePid(server.url);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

for (const { file, seconds, pictures, sound, uneven, check } of CASES) {
  const path = sharedData(`cases/${file}`);
  const why = path ? "" : " (no shared cases)";
  (path ? test : test.skip)(`${file}: ${pictures} pictures come out${why}`, async () => {
    if (!path || !server) throw new Error("no server");
    const output = await restreamFile(server.url, readFileSync(path), { seconds });
    const { stats } = output;
    expect(output.errors).toEqual([]);
    expect([stats.frames_in, stats.frames_out, stats.frames_dropped]).toEqual([
      pictures,
      pictures,
      0,
    ]);
    expect(output.pictures.length).toBe(pictures);
    expect(output.pictures.some(({ corrupt }) => corrupt)).toBe(false);
    if (!uneven) expect(new Set(gapsOf(output.pictures))).toEqual(new Set([3600]));
    if (sound === undefined) expect(output.audioCodec).toBeNull();
    else expect(output.sound.length).toBeGreaterThanOrEqual(sound);
    await check?.(output, path);
  });
}

test.skipIf(!hasFfmpeg)(
  "audio that cannot be read is named in the status, and the pictures go on (needs ffmpeg)",
  async () => {
    if (!server) throw new Error("no server");
    const file = await ffmpeg([...FLASH_AND_BEEP, "-c:a", "dca", "-strict", "-2"], "in.ts");
    const output = await restreamFile(server.url, file, { seconds: 3 });
    expect(output.errors.join()).toMatch(/^[^,]*audio is DTS, which is not supported: send AAC/);
    expect([output.pictures.length, output.audioCodec]).toEqual([75, null]);
  },
);

test.skipIf(!hasFfmpeg)(
  "a plain MP4 ends its stream with the way to make a live one (needs ffmpeg)",
  async () => {
    if (!server) throw new Error("no server");
    const file = await ffmpeg([...FLASH_AND_BEEP, "-c:a", "aac"], "in.mp4");
    const output = await restreamFile(server.url, file, { seconds: 1 });
    expect(output.errors.join()).toMatch(/plain MP4 file.*-movflags frag_keyframe\+empty_moov/);
    expect(output.stats.frames_in).toBe(0);
  },
);

/** Made here, so that a clone without the shared cases sends each kind of trouble, too. */
const SYNTHETIC: readonly (readonly [name: string, Packing, Partial<VideoSourceOptions>])[] = [
  ["H.264 in a PES a slice", PACKINGS["a PES a slice"], { params: "slices=4:bframes=0" }],
  ["H.264 in PES of 4 KB", PACKINGS["PES of 4 KB"], { params: "bframes=2:keyint=25" }],
  [
    "H.265 with a timestamp on key frames",
    PACKINGS["a timestamp on key frames"],
    { codec: "libx265", params: "keyint=12" },
  ],
  [
    "interlaced H.264 with pixels of 16:11",
    PACKINGS["a timestamp on every third picture"],
    { params: "bframes=0:slices=2", fields: "bottom", pixelAspect: [16, 11] },
  ],
];

for (const [name, pack, options] of SYNTHETIC) {
  test(`${name}: all pictures come out, evenly`, async () => {
    if (!server) throw new Error("no server");
    const luma = (x: number, y: number, time: number): number => (x + 2 * y + 9 * time) & 0xff;
    const packets = encodeVideo({ width: 176, height: 144, frames: 50, luma, ...options });
    const file = transportStream(options.codec === "libx265" ? "hevc" : "h264", pack(packets));
    const { stats, errors, pictures } = await restreamFile(server.url, file, { seconds: 2 });
    expect(errors).toEqual([]);
    expect([stats.frames_in, stats.frames_out, stats.frames_dropped]).toEqual([50, 50, 0]);
    expect(pictures.some(({ corrupt }) => corrupt)).toBe(false);
    expect(new Set(gapsOf(pictures))).toEqual(new Set([3600]));
  });
}

const gapsOf = (pictures: readonly ReadFrame[]): number[] =>
  pictures.slice(1).map(({ pts }, index) => pts - (pictures[index]?.pts ?? 0));

const lumaAt = ({ luma, width }: ReadFrame, x: number, y: number): number =>
  luma?.[y * width + x] ?? -1;

/** Every picture looks as FFmpeg's own demuxer and decoder have it. */
async function looksLikeInput({ pictures }: FieldOutput, path: string): Promise<void> {
  const { video } = await decodePictures(path);
  for (const [index, picture] of pictures.entries()) {
    const [own, original] = [picture.luma ?? [], video?.frames[index]?.luma ?? []];
    let difference = 0;
    for (const [at, luma] of own.entries()) difference += Math.abs(luma - (original[at] ?? 0));
    expect(difference / own.length).toBeLessThan(4);
  }
}

function hasRoundCircle({ pictures }: FieldOutput): void {
  for (const picture of pictures) {
    const across = Array.from({ length: 320 }, (_, x) => lumaAt(picture, x, 120));
    const down = Array.from({ length: 240 }, (_, y) => lumaAt(picture, 160, y));
    const [width, height] = [across, down].map((line) => line.filter((luma) => luma > 125).length);
    expect(width).toBeGreaterThan(100);
    expect(Math.abs((width ?? 0) - (height ?? 0))).toBeLessThanOrEqual(4);
  }
}

function isHeard({ heard }: FieldOutput): void {
  expect(heard.refused).toBe(0);
  expect(heard.loudness).toBeGreaterThan(0.01);
}

/** The flash is at 2 s, the beep 1.499 s after it. */
function beepsAfterFlash({ pictures, heard }: FieldOutput): void {
  const flash = (pictures.find(({ measure }) => measure > 150)?.pts ?? 0) / 90_000;
  expect(flash).toBeCloseTo(2, 2);
  expect((heard.onsets[0] ?? 0) - flash).toBeCloseTo(1.499, 2);
}

/** A bar that moves fast: where it begins and ends is the same in every row. */
function hasNoCombs({ pictures }: FieldOutput): void {
  let moved = 0;
  for (const picture of pictures.slice(1, -1)) {
    const edges = Array.from({ length: 100 }, (_, row) => {
      const y = 70 + row;
      return Array.from({ length: 320 }, (_, x) => lumaAt(picture, x, y)).findIndex(
        (luma) => luma > 125,
      );
    });
    const jumps = edges.slice(1).filter((edge, index) => Math.abs(edge - (edges[index] ?? 0)) > 2);
    expect(jumps.length).toBeLessThan(5);
    if ((edges[0] ?? -1) >= 0) moved++;
  }
  expect(moved).toBeGreaterThan(50);
}
