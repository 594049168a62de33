/** Runs the gateway's ffmpeg command (protocol.md 6.2) on our concatenated segments, from the start and joined late. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { quietLibav } from "../../../src/engine/codec/libav.ts";
import type { ModelHost } from "../../../src/engine/device/model-host.ts";
import { OnnxWorkspace } from "../../support/onnx-workspace.ts";
import { type TsStream, tsStream } from "../../support/ts-stream.ts";

setDefaultTimeout(30_000);

const tools = Bun.which("ffmpeg") && Bun.which("ffprobe");
const withFfmpeg = (name: string, body: () => Promise<void>): void =>
  tools ? test(name, body) : test.skip(`${name} (ffmpeg and ffprobe are not installed)`, body);

let workspace: OnnxWorkspace;
let host: ModelHost;
let opus: TsStream;
let aac: TsStream;
beforeAll(async () => {
  if (!tools) return;
  quietLibav();
  workspace = await OnnxWorkspace.create();
  host = await workspace.host();
  await host.acquire("identity");
  opus = await tsStream(host, { sound: { codec: "opus" } });
  aac = await tsStream(host, { sound: { codec: "aac" }, audio: "aac" });
});
afterAll(async () => {
  if (!tools) return;
  await host[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

/** Runs a program with `bytes` on its standard input; returns its output and its messages. */
async function run(command: string[], bytes: Uint8Array) {
  const child = Bun.spawn(command, { stdin: bytes, stdout: "pipe", stderr: "pipe" });
  const [out, complaints] = await Promise.all([
    new Response(child.stdout).bytes(),
    new Response(child.stderr).text(),
  ]);
  return { out, complaints, exitCode: await child.exited };
}

/** The gateway's command with output in `format`; FLV in a pipe cannot seek back to its header. */
const copy = (bytes: Uint8Array, format: "flv" | "mpegts") => {
  const input = ["-v", "warning", "-analyzeduration", "2500000", "-i", "pipe:0"];
  const output = ["-c:v", "copy", "-c:a", "copy", "-f", format];
  const unseekable = format === "flv" ? ["-flvflags", "no_duration_filesize"] : [];
  return run(["ffmpeg", ...input, ...output, ...unseekable, "pipe:1"], bytes);
};

/** Tracks with their packets and picture types. */
async function probe(bytes: Uint8Array) {
  const shown =
    "stream=codec_name,profile,has_b_frames,nb_read_packets:packet=stream_index,pts_time,dts_time:frame=pict_type";
  const command = ["ffprobe", "-v", "error", "-count_packets", "-show_packets", "-show_frames"];
  const { out } = await run([...command, "-show_entries", shown, "-of", "json", "-"], bytes);
  const { streams, packets_and_frames: all } = JSON.parse(new TextDecoder().decode(out));
  const pictures = new Set<string>();
  const times = new Map<number, number[]>();
  for (const each of all) {
    if (each.pict_type) pictures.add(each.pict_type);
    if (each.type !== "packet") continue;
    const track = times.get(each.stream_index) ?? [];
    track.push(Number(each.dts_time ?? each.pts_time));
    times.set(each.stream_index, track);
  }
  const counts = streams.map(({ nb_read_packets: count }: { nb_read_packets: string }) =>
    Number(count),
  );
  return { streams, pictures, counts, times: [...times.values()] };
}

const rising = (times: readonly number[]): boolean =>
  times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0));

withFfmpeg(
  "ffprobe finds constrained baseline without B-frames, every packet, and rising timestamps",
  async () => {
    const bytes = Buffer.concat(opus.run.segments);
    const { streams, pictures, counts, times } = await probe(bytes);
    expect(streams).toMatchObject([
      { codec_name: "h264", profile: "Constrained Baseline", has_b_frames: 0 },
      { codec_name: "opus" },
    ]);
    expect([...pictures].toSorted()).toEqual(["I", "P"]);
    expect(counts).toEqual([240, opus.input.audio?.packets.length ?? -1]);
    expect(times.every(rising)).toBe(true);
  },
);

withFfmpeg(
  "it copies H.264 and Opus into MPEG-TS, and H.264 and AAC into FLV, without warnings",
  async () => {
    for (const [stream, format] of [
      [opus, "mpegts"],
      [aac, "flv"],
    ] as const) {
      const { out, complaints, exitCode } = await copy(Buffer.concat(stream.run.segments), format);
      expect([complaints, exitCode]).toEqual(["", 0]);
      const { counts, times } = await probe(out);
      expect(counts[0]).toBe(240);
      expect(counts[1]).toBeGreaterThanOrEqual(stream.input.audio?.packets.length ?? -1);
      expect(times.every(rising)).toBe(true);
    }
  },
);

withFfmpeg(
  "joined at the second segment or in the middle of the first, it has everything from the second on",
  async () => {
    for (const [stream, format] of [
      [opus, "mpegts"],
      [aac, "flv"],
    ] as const) {
      const [first, ...rest] = stream.run.segments;
      if (!first) throw new Error("no segment");
      const middle = first.subarray(Math.floor(first.length / 2) + 1);
      for (const bytes of [Buffer.concat(rest), Buffer.concat([middle, ...rest])]) {
        const { out, exitCode } = await copy(bytes, format);
        expect(exitCode).toBe(0);
        const { counts, times } = await probe(out);
        expect(counts[0]).toBe(180);
        expect(counts[1]).toBeGreaterThan(250);
        expect(times.every(rising)).toBe(true);
      }
    }
  },
);
