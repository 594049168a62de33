/** Audio of every codec that senders use, through the whole pipeline: heard at its own time, in a codec that readers know. */
import { beforeAll, describe, expect, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import type { Container } from "../../src/engine/protocol/work.ts";
import { ClipRun } from "../support/clip-pipeline.ts";
import { decodeMedia, type ReadTrack } from "../support/clip-reader.ts";
import { FLASH_AND_BEEP, ffmpeg, hasFfmpeg } from "../support/ffmpeg.ts";
import { readMp4 } from "../support/mp4-boxes.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { sharedData } from "../support/shared-data.ts";
import { type Heard, hearTrack } from "../support/sound.ts";

beforeAll(quietLibav);

interface Shown {
  readonly run: ClipRun;
  readonly pictures: number;
  readonly audio: ReadTrack | null;
  readonly heard: Heard;
  /** Seconds of the first white picture. */
  readonly flash: number;
}

/** Segments through the pipeline. */
async function restream(segments: readonly Uint8Array[], container: Container): Promise<ClipRun> {
  await using workspace = await OnnxWorkspace.create();
  await using host = await workspace.host();
  await host.acquire("identity");
  const params = { model: "identity", size: { width: 320, height: 240 } };
  const run = new ClipRun({ segments, host, params, pipeline: { container } });
  await run.pipeline.run();
  return run;
}

/** One segment through the pipeline, as FFmpeg sees and hears what comes out. */
async function show(segment: Uint8Array, container: Container = "fmp4"): Promise<Shown> {
  const run = await restream([segment], container);
  const { video, audio } = await decodeMedia(Uint8Array.from(Buffer.concat(run.segments)));
  const frames = video?.frames ?? [];
  const white = frames.find(({ measure }) => measure > 150)?.pts ?? Number.NaN;
  return {
    run,
    pictures: frames.length,
    audio,
    heard: hearTrack(audio),
    flash: white / 90_000,
  };
}

const FRAGMENTED = ["-movflags", "frag_keyframe+empty_moov+delay_moov+default_base_moof"];

describe.skipIf(!hasFfmpeg)("a flash and its beep stay together (needs ffmpeg)", () => {
  test.each([
    ["AAC in MP4 is copied", "in.mp4", ["-c:a", "aac"], /aac/],
    ["AAC at 96 kHz in MP4 is copied", "in.mp4", ["-c:a", "aac", "-ar", "96000"], /aac/],
    [
      "AAC in MP4 whose moov lists the first fragment",
      "in.mp4",
      ["-c:a", "aac", "-movflags", "frag_keyframe"],
      /aac/,
    ],
    ["Opus in MP4 is copied", "in.mp4", ["-c:a", "libopus"], /opus/],
    ["AAC in MP4 with fragments of 3 s", "in.mp4", ["-c:a", "aac", "-g", "75"], /aac/],
    ["MP3 in MP4", "in.mp4", ["-c:a", "libmp3lame"], /opus/],
    ["MP2 in MP4", "in.mp4", ["-c:a", "mp2"], /opus/],
    ["AC-3 5.1 in MP4", "in.mp4", ["-c:a", "ac3", "-ac", "6"], /opus/],
    ["E-AC-3 in MP4", "in.mp4", ["-c:a", "eac3", "-ac", "2"], /opus/],
    ["FLAC in MP4", "in.mp4", ["-c:a", "flac", "-strict", "-2"], /opus/],
    ["AAC in MPEG-TS is copied", "in.ts", ["-c:a", "aac"], /aac/],
    [
      "AAC 7.1 at 88.2 kHz in MPEG-TS is copied",
      "in.ts",
      ["-c:a", "aac", "-ac", "8", "-ar", "88200"],
      /aac/,
    ],
    ["LATM in MPEG-TS", "in.ts", ["-c:a", "aac", "-mpegts_flags", "latm"], /opus/],
    ["MP2 in MPEG-TS", "in.ts", ["-c:a", "mp2", "-ar", "32000"], /opus/],
    ["MP3 in MPEG-TS", "in.ts", ["-c:a", "libmp3lame", "-ar", "22050"], /opus/],
    ["AC-3 in MPEG-TS as ATSC signals it", "in.ts", ["-c:a", "ac3", "-ac", "6"], /opus/],
    [
      "AC-3 in MPEG-TS as DVB signals it",
      "in.ts",
      ["-c:a", "ac3", "-mpegts_flags", "system_b"],
      /opus/,
    ],
    [
      "E-AC-3 in MPEG-TS as DVB signals it",
      "in.ts",
      ["-c:a", "eac3", "-mpegts_flags", "system_b"],
      /opus/,
    ],
  ] as const)("%s", async (_, name, args, codec) => {
    const container = name === "in.mp4" ? FRAGMENTED : [];
    const segment = await ffmpeg([...FLASH_AND_BEEP, ...container, ...args], name);
    const { run, pictures, audio, heard, flash } = await show(segment);
    expect(run.troubles).toEqual([]);
    expect(pictures).toBe(75);
    expect(audio?.codecName).toMatch(codec);
    expect(heard.refused).toBe(0);
    expect(heard.onsets.length).toBe(1);
    expect(Math.abs((heard.onsets[0] ?? 0) - flash)).toBeLessThan(0.03);
  });

  test.each([
    ["AAC in MPEG-TS", "in.ts", "fmp4", /opus/],
    ["AAC in MP4", "in.mp4", "fmp4", /aac/],
    ["AAC in MPEG-TS", "in.ts", "mpegts", /opus/],
    ["AAC in MP4", "in.mp4", "mpegts", /opus/],
  ] as const)(
    "%s (%s) that begins 1.2 s after the pictures has its track in %s from the first segment on",
    async (_, file, container, codec) => {
      const [pictures, sound] = [FLASH_AND_BEEP.slice(0, 4), FLASH_AND_BEEP.slice(4)];
      const late = [...pictures, "-itsoffset", "1.2", ...sound, "-c:a", "aac"];
      const movflags = ["-movflags", "frag_keyframe+empty_moov+default_base_moof"];
      const input = await ffmpeg([...late, ...(file === "in.mp4" ? movflags : [])], file);
      const { run, pictures: shown, audio, heard, flash } = await show(input, container);
      expect([run.troubles, shown, heard.refused]).toEqual([[], 75, 0]);
      expect(audio?.codecName).toMatch(codec);
      expect(Math.abs((heard.onsets[0] ?? 0) - flash - 1.2)).toBeLessThan(0.03);
      if (container === "fmp4") {
        const tracks = run.segments.map((segment) => readMp4(segment).tracks);
        expect(tracks.map((each) => each.length)).toEqual(tracks.map(() => 2));
        expect(new Set(tracks.map((each) => JSON.stringify(each[1]))).size).toBe(1);
      }
    },
  );

  test("a codec that changes in mid-stream does not change the output's, in both containers", async () => {
    const parts = await Promise.all(
      ["mp2", "aac", "ac3"].map((codec) => ffmpeg([...FLASH_AND_BEEP, "-c:a", codec], "in.ts")),
    );
    const live = await restream(parts, "fmp4");
    const media = await Promise.all(live.segments.map((segment) => decodeMedia(segment)));
    const codecs = media.map(({ audio }) => audio?.codecName.replace("lib", "") ?? "none");
    expect(new Set(codecs)).toEqual(new Set(["opus"]));
    const onsets = media.flatMap(({ audio }) => hearTrack(audio).onsets);
    expect(onsets.filter((at, index) => at - (onsets[index - 1] ?? -1) > 0.5).length).toBe(3);
    const gateway = await restream(parts, "mpegts");
    const { audio } = await decodeMedia(Uint8Array.from(Buffer.concat(gateway.segments)));
    expect([audio?.codecName, hearTrack(audio).onsets.length]).toEqual([
      expect.stringMatching(/opus/),
      3,
    ]);
    expect([...live.troubles, ...gateway.troubles]).toEqual([]);
  });

  test("what a transport stream's readers do not know becomes Opus", async () => {
    for (const codec of ["aac", "mp2"]) {
      const segment = await ffmpeg([...FLASH_AND_BEEP, "-c:a", codec], "in.ts");
      const { pictures, audio, heard, flash } = await show(segment, "mpegts");
      expect([pictures, audio?.codecName]).toEqual([75, expect.stringMatching(/opus/)]);
      expect(Math.abs((heard.onsets[0] ?? 0) - flash)).toBeLessThan(0.03);
    }
  });

  test.each([
    ["DTS", ["-c:a", "dca"]],
    ["SMPTE 302M", ["-c:a", "s302m", "-ac", "2"]],
  ])("%s is named once, and the pictures go on", async (name, args) => {
    const segment = await ffmpeg([...FLASH_AND_BEEP, ...args, "-strict", "-2"], "in.ts");
    const { run, pictures, audio } = await show(segment);
    expect([pictures, audio]).toEqual([75, null]);
    expect(run.troubles.map(({ kind }) => kind)).toEqual(["unsupported_media"]);
    expect(run.troubles[0]?.message).toStartWith(
      `the input's audio is ${name}, which is not supported`,
    );
  });
});

describe("inputs from the field", () => {
  const field = (name: string): string | null => sharedData(`cases/${name}`);
  const bytes = async (name: string): Promise<Uint8Array> =>
    new Uint8Array(await Bun.file(field(name) ?? "").arrayBuffer());

  test.skipIf(!field("fmp4-opus-of-constant-size.mp4"))(
    "Opus of constant size (needs the shared data)",
    async () => {
      const { pictures, audio, heard } = await show(await bytes("fmp4-opus-of-constant-size.mp4"));
      expect([pictures, audio?.packets.length, heard.refused]).toEqual([50, 101, 0]);
    },
  );

  test.skipIf(!field("fmp4-edit-list-delays-sound.mp4"))(
    "an edit list that delays the sound (needs the shared data)",
    async () => {
      const { flash, heard } = await show(await bytes("fmp4-edit-list-delays-sound.mp4"));
      expect(flash).toBeCloseTo(2, 2);
      expect((heard.onsets[0] ?? 0) - flash).toBeCloseTo(1.499, 2);
    },
  );

  test.skipIf(!field("ts-mp2-sound.ts"))("MPEG-1 layer II (needs the shared data)", async () => {
    const { pictures, audio, heard } = await show(await bytes("ts-mp2-sound.ts"));
    expect([pictures, audio?.codecName]).toEqual([53, expect.stringMatching(/opus/)]);
    expect(heard.loudness).toBeGreaterThan(0.01);
  });
});
