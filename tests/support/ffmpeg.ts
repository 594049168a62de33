/** Makes small media files with the ffmpeg command, for tests that need the output of other muxers. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const hasFfmpeg = Bun.which("ffmpeg") !== null;

/** Runs ffmpeg and returns the file that it wrote; `name` has the container's extension. Throws with its output if it fails. */
export async function ffmpeg(args: readonly string[], name: string): Promise<Uint8Array> {
  const [file] = await ffmpegFiles(args, name);
  if (file === undefined) throw new Error(`ffmpeg ${args.join(" ")}: no file`);
  return file;
}

/** As `ffmpeg`, for an output in several files, such as `%03d.ts`; in the order of their names. */
export async function ffmpegFiles(args: readonly string[], pattern: string): Promise<Uint8Array[]> {
  const folder = await mkdtemp(join(tmpdir(), "ffmpeg-"));
  try {
    const command = ["ffmpeg", "-v", "error", "-nostdin", ...args, "-y", join(folder, pattern)];
    const run = Bun.spawn(command, { stderr: "pipe" });
    const printed = await new Response(run.stderr).text();
    if ((await run.exited) !== 0) throw new Error(`ffmpeg ${args.join(" ")}: ${printed}`);
    const files = (await readdir(folder)).sort();
    return await Promise.all(files.map((file) => Bun.file(join(folder, file)).bytes()));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Three seconds of black with a white flash and a beep of 100 ms at 1 s, at 25 pictures a second. */
export const FLASH_AND_BEEP: readonly string[] = [
  ...["-f", "lavfi", "-i"],
  "color=black:size=320x240:rate=25:duration=3,drawbox=color=white:t=fill:enable='between(t,0.99,1.15)'",
  ...["-f", "lavfi", "-i"],
  "aevalsrc='0.5*sin(2*PI*1000*t)*between(t,1,1.1)':sample_rate=48000:duration=3",
  ...["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p"],
];
