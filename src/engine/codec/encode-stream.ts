/** Encodes frames as video packets, and starts every segment with a key frame. */
import type { EncodedVideo } from "../../media/encoded-packet.ts";
import type { Ticks } from "../../media/time.ts";
import type { Stage } from "../../streams/stage.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import { SegmentCutter } from "../segment/segment-cutter.ts";
import { VideoEncoder, type VideoEncoderOptions } from "./video-encoder.ts";
import type { VideoFrame } from "./video-frame.ts";

/** Deadline of a frame: the largest takes a second on one core. */
const ENCODE_MS = 10_000;

export interface EncodeOptions extends Pick<VideoEncoderOptions, "profile"> {
  readonly segmentSeconds: number;
  readonly calls: NativeCalls;
  /** Frames up to this time are dropped: a resumed stream has sent them already. */
  readonly after: Ticks | null;
  readonly observer: Pick<PipelineObserver, "frameDropped" | "stageTook">;
  /** Called before every frame: bits a second, or undefined for constant quality. */
  readonly bitrate: () => number | undefined;
  /** Called before every frame; true: the frame must begin a segment, however short the last one is. */
  readonly segmentWanted?: () => boolean;
}

/**
 * Takes yuv420p frames and disposes them. A segment begins when the one before is long or large enough, and where one
 * is wanted. A new size or bitrate opens a new encoder and so begins a new segment. Frames whose pts does not rise are dropped.
 */
export function encode(options: EncodeOptions): Stage<VideoFrame, EncodedVideo> {
  const { calls, observer } = options;
  const cutter = new SegmentCutter(options.segmentSeconds);
  let encoder: VideoEncoder | null = null;
  let last: { pts: Ticks; interval: number } | null =
    options.after === null ? null : { pts: options.after, interval: 0 };
  const dispose = (): void => {
    encoder?.[Symbol.dispose]();
    encoder = null;
  };
  return {
    async transform(frame, controller) {
      using input = frame;
      if (last && input.pts <= last.pts) return observer.frameDropped("out_of_order");
      const bitrate = options.bitrate();
      if (encoder && !fits(encoder, input, bitrate)) dispose();
      const wanted = options.segmentWanted?.() ?? false;
      const key = encoder === null || wanted || cutter.isDue(input.pts, last?.interval ?? 0);
      using _call = calls.begin("encode", ENCODE_MS);
      const begun = performance.now();
      encoder ??= new VideoEncoder({
        size: { width: input.width, height: input.height },
        ...(bitrate === undefined ? {} : { bitrate }),
        ...(options.profile && { profile: options.profile }),
      });
      if (key) cutter.begin(input.pts);
      last = { pts: input.pts, interval: last ? input.pts - last.pts : 0 };
      const packet = await encoder.encode(input, key);
      observer.stageTook("encode", performance.now() - begun);
      if (cutter.add(packet)) controller.enqueue(packet);
      else observer.frameDropped("undelivered");
    },
    dispose,
  };
}

const fits = (encoder: VideoEncoder, frame: VideoFrame, bitrate: number | undefined): boolean =>
  encoder.options.size.width === frame.width &&
  encoder.options.size.height === frame.height &&
  encoder.options.bitrate === bitrate;
