/** Decodes a stream's output with the ffmpeg command, as a reader that is not our own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "./run-command.ts";

export interface Frame {
  /** Presentation time in units of the stream. */
  readonly time: number;
  /** Of the decoded picture. */
  readonly md5: string;
}

/** The pictures of fMP4 segments that follow one another; throws if ffmpeg reports anything. */
export async function framesByFfmpeg(segments: readonly Uint8Array[]): Promise<Frame[]> {
  const folder = await mkdtemp(join(tmpdir(), "frames-"));
  try {
    const file = join(folder, "output.mp4");
    await Bun.write(file, Buffer.concat(segments));
    const report = await runCommand([
      ...["ffmpeg", "-v", "error", "-xerror", "-nostdin", "-i", file],
      ...["-map", "0:v", "-f", "framemd5", "-"],
    ]);
    const lines = report.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return lines.map((line) => {
      const [, , time, , , md5 = ""] = line.split(/,\s*/);
      return { time: Number(time), md5 };
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
