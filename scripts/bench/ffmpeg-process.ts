/** Lower bound of the work itself: one ffmpeg process that decodes, converts to RGB and back, encodes and muxes. */
import { encodingThreads } from "../../src/engine/codec/video-encoder.ts";
import type { Clip } from "./clip.ts";

export interface FfmpegRun {
  readonly cpuPerFrame: number;
  readonly fps: number;
}

/** Null if ffmpeg is not installed. Its start-up is measured with one frame and subtracted. */
export async function runFfmpeg(clip: Clip): Promise<FfmpegRun | null> {
  const ffmpeg = Bun.which("ffmpeg");
  if (!ffmpeg) return null;
  const start = await run(ffmpeg, clip, 1);
  const whole = await run(ffmpeg, clip, clip.ends.length);
  const frames = clip.ends.length - 1;
  return {
    cpuPerFrame: (whole.cpuSeconds - start.cpuSeconds) / frames,
    fps: frames / (whole.wallSeconds - start.wallSeconds),
  };
}

/** The settings of `src/engine/codec/video-encoder.ts`, with its encoding threads, one for all else, and one fragment per frame. */
async function run(ffmpeg: string, { path, width, height }: Clip, frames: number) {
  const rate = String(width * height * 24);
  const threads = String(encodingThreads({ width, height }));
  const child = Bun.spawn(
    [
      ...[ffmpeg, "-nostdin", "-loglevel", "error", "-threads", "1", "-filter_threads", "1"],
      ...["-flags", "low_delay", "-f", "mpegts", "-i", path],
      ...["-frames:v", String(frames), "-vf", "format=gbrp,format=yuv420p", "-c:v", "libx264"],
      ...["-preset", "superfast", "-tune", "zerolatency", "-crf", "23", "-bf", "0"],
      ...["-maxrate", rate, "-bufsize", rate, "-g", "100000", "-sc_threshold", "0"],
      ...["-weightp", "none"],
      ...["-forced-idr", "1", "-force_key_frames", "expr:gte(t,n_forced)", "-threads", threads],
      ...["-f", "mp4", "-movflags", "empty_moov+frag_every_frame+default_base_moof"],
      ...["-y", "/dev/null"],
    ],
    { stdio: ["ignore", "ignore", "inherit"], timeout: 120_000 },
  );
  const begun = performance.now();
  const code = await child.exited;
  if (code !== 0) throw new Error(`ffmpeg exited with ${code}`);
  const wallSeconds = (performance.now() - begun) / 1000;
  return { cpuSeconds: Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6, wallSeconds };
}
