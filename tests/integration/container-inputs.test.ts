/** Every codec in every file format, end to end: files of FFmpeg's muxers in real time through the real server. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { noBrowser, startBrowser } from "../support/browser.ts";
import { decodePictures, type ReadFrame } from "../support/clip-reader.ts";
import { FLASH_AND_BEEP, ffmpeg, hasFfmpeg } from "../support/ffmpeg.ts";
import { type FieldOutput, restreamFile } from "../support/field-input.ts";
import { muxFile } from "../support/file-muxer.ts";
import { api, collect, enginePid } from "../support/live-stream.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { soundTrack } from "../support/sound.ts";
import { encodeVideo, type VideoSourceOptions } from "../support/video-source.ts";
import { waitFor } from "../support/wait-for.ts";

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

interface Sent {
  readonly bytes: Uint8Array;
  readonly output: FieldOutput;
}

const SOUNDS = [
  ["AAC in Matroska", ["-c:a", "aac"], "in.mkv"],
  ["Vorbis in Matroska", ["-c:a", "libvorbis"], "in.mkv"],
  [
    "Opus with VP8 in WebM",
    ["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"],
    "in.webm",
  ],
] as const;

let sent: Promise<Map<string, Promise<Sent>>> | undefined;
/** What comes out of an input. Real time is waited for once: all inputs are sent at the same time. */
async function outputOf(name: string): Promise<Sent> {
  sent ??= sendAll();
  const run = (await sent).get(name);
  if (!run) throw new Error(`no input ${name}`);
  return await run;
}

async function sendAll(): Promise<Map<string, Promise<Sent>>> {
  const files = MATRIX.map(([name, make]) => ({ name, seconds: 1, bytes: make() }));
  for (const [name, args, file] of hasFfmpeg ? SOUNDS : []) {
    files.push({ name, seconds: 3, bytes: await ffmpeg([...FLASH_AND_BEEP, ...args], file) });
  }
  const send = async (bytes: Uint8Array, seconds: number): Promise<Sent> => ({
    bytes,
    output: await restreamFile(server.url, bytes, { seconds }),
  });
  return new Map(files.map(({ name, bytes, seconds }) => [name, send(bytes, seconds)]));
}

describe("all pictures and all sound of an input come out", () => {
  for (const [name] of MATRIX) {
    test(name, async () => {
      const { bytes, output } = await outputOf(name);
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
  for (const [name] of SOUNDS) {
    test.skipIf(!hasFfmpeg)(name, async () => {
      const { output } = await outputOf(name);
      expect(output.errors).toEqual([]);
      expect(output.pictures.length).toBe(75);
      const flash = (output.pictures.find(({ measure }) => measure > 150)?.pts ?? 0) / 90_000;
      expect(output.heard.onsets.length).toBe(1);
      expect(Math.abs((output.heard.onsets[0] ?? 0) - flash)).toBeLessThan(0.025);
    });
  }
});

const page = readFileSync(join(import.meta.dir, "../../docs/input.md"), "utf8");
/** The code of the page in a language. */
const codeOf = (language: string): string[] =>
  [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, name, code = ""]) =>
    name === language ? [code] : [],
  );
const CHANNEL = "http://localhost:5000/trickle/camera";

/** Starts a stream from a channel that is empty yet, and collects what comes out. */
async function startOn(signal: AbortSignal) {
  const channel = `${server.url}/trickle/${crypto.randomUUID()}`;
  await fetch(channel, { method: "POST" });
  const request = { input_url: channel, stream_url: `${channel}-out`, model: "identity" };
  const id = await api(server.url).start({ ...request, ...SIZE });
  const output = collect(request.stream_url, signal);
  /** Ends the channel and returns what came out of it. */
  const finish = async () => {
    await fetch(channel, { method: "DELETE" });
    await output.ended;
    const { stream } = api(server.url);
    await waitFor("the stream's end", async () => (await stream(id)).status === "stopped");
    const { stats, error } = await stream(id);
    const bytes = Buffer.concat(output.segments.map((segment) => segment.bytes));
    return { stats, error: error ?? null, media: await decodePictures(Uint8Array.from(bytes)) };
  };
  return { channel, id, finish };
}

test.skipIf(noBrowser !== null)(
  `the recordings of docs/input.md in VP8, VP9 and H.264 are read as a browser makes them${noBrowser ? ` (${noBrowser})` : ""}`,
  async () => {
    const [code = ""] = codeOf("js");
    const type = "video/webm;codecs=vp8,opus";
    expect(code).toContain(type);
    const stop = new AbortController();
    await using browser = await startBrowser();
    const tab = await browser.open(server.url);
    const record = async (recorded: string) => {
      const run = await startOn(stop.signal);
      const script = code.replaceAll(CHANNEL, run.channel).replaceAll(type, recorded);
      const key = JSON.stringify(run.channel);
      await tab.evaluate(`(async () => {
        ${script}
        (globalThis.recordings ??= {})[${key}] = { recorder, media, sent: () => sent };
      })()`);
      const framesIn = async () => (await api(server.url).stream(run.id)).stats.frames_in;
      await waitFor("some pictures", async () => (await framesIn()) > 15, 20_000);
      await tab.evaluate(`(async () => {
        const { recorder, sent, media } = recordings[${key}];
        const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
        recorder.stop();
        await stopped;
        await sent();
        for (const track of media.getTracks()) track.stop();
      })()`);
      return await run.finish();
    };
    const others = ["video/webm;codecs=vp9,opus", "video/x-matroska;codecs=avc1,opus"];
    for (const { stats, error, media } of await Promise.all([type, ...others].map(record))) {
      expect(error).toBeNull();
      expect(stats.frames_in).toBeGreaterThan(15);
      expect([stats.frames_out, stats.frames_dropped]).toEqual([stats.frames_in, 0]);
      expect(media.video?.frames.length).toBe(stats.frames_in);
      // Chromium's fake camera is green, which is neither dark nor bright.
      for (const { measure } of media.video?.frames ?? []) {
        expect(Math.abs(measure - 128)).toBeLessThan(90);
      }
      expect(media.audio?.frames.length).toBeGreaterThan(10);
    }
    stop.abort();
  },
);

test.skipIf(!hasFfmpeg)(
  "the ffmpeg commands of docs/input.md send all pictures and all sound, in several segments each (needs ffmpeg)",
  async () => {
    const commands = codeOf("bash");
    expect(commands.length).toBe(3);
    const folder = await mkdtemp(join(tmpdir(), "clip-"));
    const clip = await ffmpeg([...FLASH_AND_BEEP, "-c:a", "aac", "-t", "2"], "clip.mp4");
    await Bun.write(join(folder, "clip.mp4"), clip);
    const stop = new AbortController();
    const send = async (command: string) => {
      const run = await startOn(stop.signal);
      const script = command.replaceAll(CHANNEL, run.channel);
      const sender = Bun.spawn(["sh", "-c", script], {
        cwd: folder,
        stdin: "ignore",
        stderr: "pipe",
      });
      const printed = await new Response(sender.stderr).text();
      if ((await sender.exited) !== 0) throw new Error(printed);
      const { stream } = api(server.url);
      await waitFor("all pictures", async () => (await stream(run.id)).stats.frames_out >= 50);
      return { ...(await run.finish()), printed };
    };
    for (const { stats, error, media, printed } of await Promise.all(commands.map(send))) {
      expect(error).toBeNull();
      expect([stats.frames_in, stats.frames_out, stats.frames_dropped]).toEqual([50, 50, 0]);
      expect(media.video?.frames.length).toBe(50);
      expect(media.audio?.frames.length).toBeGreaterThan(80);
      expect(printed.match(/Opening '[^']*\/trickle\/[^']*' for writing/g)?.length).toBe(2);
    }
    stop.abort();
    await rm(folder, { recursive: true });
  },
);

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
