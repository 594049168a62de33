/** Every codec in every file format, end to end: files of FFmpeg's muxers in real time through the real server. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { noBrowser, startBrowser } from "../support/browser.ts";
import { decodePictures, type ReadFrame } from "../support/clip-reader.ts";
import { FLASH_AND_BEEP, ffmpeg, hasFfmpeg } from "../support/ffmpeg.ts";
import { type FieldOutput, restreamFile } from "../support/field-input.ts";
import { muxFile } from "../support/file-muxer.ts";
import { api, collect, enginePid } from "../support/live-stream.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { sharedData } from "../support/shared-data.ts";
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

/** Runs in a page: records the camera once in each of these types, and sends every blob as a segment of its own. */
const RECORD = `async (recordings) => {
  const media = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 }, audio: true });
  await Promise.all(recordings.map(async ({ type, channel }) => {
    const recorder = new MediaRecorder(media, { mimeType: type });
    let sent = Promise.resolve();
    let seq = 0;
    recorder.ondataavailable = ({ data }) => {
      const url = channel + "/" + seq++;
      sent = sent.then(() => fetch(url, { method: "POST", body: data, headers: { "content-type": type } }));
    };
    const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
    recorder.start(200);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    recorder.stop();
    await stopped;
    await sent;
    await fetch(channel, { method: "DELETE" });
  }));
  for (const track of media.getTracks()) track.stop();
}`;

test.skipIf(noBrowser !== null)(
  `a browser's recordings in VP8, VP9 and H.264 are read as it makes them${noBrowser ? ` (${noBrowser})` : ""}`,
  async () => {
    const types = [
      "video/webm;codecs=vp8,opus",
      "video/webm;codecs=vp9,opus",
      "video/x-matroska;codecs=avc1,opus",
    ];
    const { start, stream } = api(server.url);
    const stop = new AbortController();
    const recordings = await Promise.all(
      types.map(async (type) => {
        const channel = `${server.url}/trickle/${crypto.randomUUID()}`;
        await fetch(channel, { method: "POST", headers: { "content-type": type } });
        const request = { input_url: channel, stream_url: `${channel}-out`, model: "identity" };
        const id = await start({ ...request, ...SIZE });
        return { type, channel, id, output: collect(request.stream_url, stop.signal) };
      }),
    );
    await using browser = await startBrowser();
    const page = await browser.open(server.url);
    const plain = recordings.map(({ type, channel }) => ({ type, channel }));
    await page.evaluate(`(${RECORD})(${JSON.stringify(plain)})`);
    for (const { id, output } of recordings) {
      await output.ended;
      await waitFor("the stream's end", async () => (await stream(id)).status === "stopped");
      const { stats, error } = await stream(id);
      expect(error ?? null).toBeNull();
      expect(stats.frames_in).toBeGreaterThan(15);
      expect([stats.frames_out, stats.frames_dropped]).toEqual([stats.frames_in, 0]);
      const bytes = Buffer.concat(output.segments.map((segment) => segment.bytes));
      const { video, audio } = await decodePictures(Uint8Array.from(bytes));
      expect(video?.frames.length).toBe(stats.frames_in);
      // Chromium's fake camera is green, which is neither dark nor bright.
      for (const { measure } of video?.frames ?? [])
        expect(Math.abs(measure - 128)).toBeLessThan(90);
      expect(audio?.frames.length).toBeGreaterThan(10);
    }
    stop.abort();
  },
);

test.skipIf(!hasFfmpeg)(
  "ffmpeg sends a clip as segments of Matroska, each a file: all pictures and all sound come out (needs ffmpeg)",
  async () => {
    const clip = sharedData("video/car-detection.mp4");
    const source = clip ? ["-t", "2", "-i", clip, "-c", "copy"] : [...FLASH_AND_BEEP, "-t", "2"];
    const channel = `${server.url}/trickle/${crypto.randomUUID()}`;
    await fetch(channel, { method: "POST", headers: { "content-type": "video/x-matroska" } });
    const { start, stream } = api(server.url);
    const stream_url = `${channel}-out`;
    const id = await start({ input_url: channel, stream_url, model: "identity", ...SIZE });
    const stop = new AbortController();
    const output = collect(stream_url, stop.signal);
    const sender = Bun.spawn(
      [
        ...["ffmpeg", "-v", "error", "-nostdin", "-re", ...source, "-map", "0"],
        ...["-f", "segment", "-segment_format", "matroska", "-segment_time", "1", `${channel}/%d`],
      ],
      { stderr: "pipe" },
    );
    expect(await new Response(sender.stderr).text()).toBe("");
    expect(await sender.exited).toBe(0);
    const pictures = clip ? 25 : 50;
    await waitFor("all pictures", async () => (await stream(id)).stats.frames_out >= pictures);
    const { stats, error } = await stream(id);
    expect([stats.frames_in, stats.frames_dropped, error ?? null]).toEqual([pictures, 0, null]);
    await fetch(channel, { method: "DELETE" });
    await output.ended;
    const bytes = Buffer.concat(output.segments.map((segment) => segment.bytes));
    const { video, audio } = await decodePictures(Uint8Array.from(bytes));
    expect(video?.frames.length).toBe(pictures);
    expect(audio?.frames.length).toBeGreaterThan(80);
    stop.abort();
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
