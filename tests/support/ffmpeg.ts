/** Makes small media files with the ffmpeg command, for tests that need the output of other muxers. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const hasFfmpeg = Bun.which("ffmpeg") !== null;

/** Runs ffmpeg and returns the file that it wrote; `name` has the container's extension. Throws with its output if it fails. */
export async function ffmpeg(args: readonly string[], name: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "ffmpeg-"));
  try {
    const file = join(folder, name);
    const run = Bun.spawn(["ffmpeg", "-v", "error", "-nostdin", ...args, "-y", file], {
      stderr: "pipe",
    });
    const printed = await new Response(run.stderr).text();
    if ((await run.exited) !== 0) throw new Error(`ffmpeg ${args.join(" ")}: ${printed}`);
    return new Uint8Array(await Bun.file(file).arrayBuffer());
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
