/** One run of the glass benchmark: pictures with a number in them, through the server and back, and what each took. */
import { decode } from "../../src/engine/codec/decode-stream.ts";
import { encode } from "../../src/engine/codec/encode-stream.ts";
import { drawMarker, markerIn } from "../../src/engine/codec/frame-marker.ts";
import { Frame } from "../../src/engine/codec/libav.ts";
import { FramePool, type VideoFrame } from "../../src/engine/codec/video-frame.ts";
import { noAudio } from "../../src/engine/output-audio.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { Size } from "../../src/engine/protocol/work.ts";
import { interleave } from "../../src/engine/segment/interleave.ts";
import { TsSegmenter } from "../../src/engine/segment/ts-segmenter.ts";
import { demux } from "../../src/engine/source/demux.ts";
import { Timeline } from "../../src/engine/source/timeline.ts";
import { ticksFromSeconds } from "../../src/media/time.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import { TricklePublisher } from "../../src/trickle/client/publisher.ts";
import { subscribe } from "../../src/trickle/client/subscriber.ts";
import { UNOBSERVED } from "./bench-stream.ts";
import { FilterChain } from "./filter-chain.ts";

const FPS = 30;
const SEGMENT_SECONDS = 1;

export interface SendOptions {
  /** Gets the time at which each picture is drawn, by its number. */
  readonly drawnAt?: number[];
  /** Aborted to end it early. */
  readonly signal?: AbortSignal;
}

/** Draws, encodes and publishes `frames` pictures in real time, numbered from 0. Returns when each was drawn. */
export async function sendNumbered(
  url: string,
  size: Size,
  frames: number,
  { drawnAt = [], signal = new AbortController().signal }: SendOptions = {},
): Promise<number[]> {
  const options = { contentType: "video/mp2t", create: true, signal };
  const publisher = await TricklePublisher.open({ url }, options);
  using pool = new FramePool();
  using pattern = new FilterChain([
    ["testsrc2", `size=${size.width}x${size.height}:rate=${FPS}`],
    ["format", "pix_fmts=yuv420p"],
  ]);
  const begun = performance.now();
  const pictures = new ReadableStream<VideoFrame>(
    {
      async pull(controller) {
        const number = drawnAt.length;
        if (number === frames || signal.aborted) return controller.close();
        const native = new Frame();
        native.alloc();
        pattern.pull(native);
        const wait = begun + (number * 1000) / FPS - performance.now();
        if (wait > 0) await Bun.sleep(wait);
        const at = performance.now();
        drawnAt.push(at);
        drawMarker(native, number);
        const time = { pts: ticksFromSeconds(number / FPS), arrivedAt: at };
        controller.enqueue(pool.adopt(native, time));
      },
    },
    { highWaterMark: 0 },
  );
  const stages = new StageGroup();
  const encoder = encode({
    segmentSeconds: SEGMENT_SECONDS,
    after: null,
    profile: "baseline",
    bitrate: () => undefined,
    calls: UNRECORDED_CALLS,
    observer: UNOBSERVED,
  });
  const audio = noAudio();
  await interleave(pictures.pipeThrough(stages.add(encoder)), audio)
    .pipeThrough(stages.add(new TsSegmenter({ promisedAudio: audio.promised, onTrouble() {} })))
    .pipeTo(publisher.writable);
  await stages.settled();
  return drawnAt;
}

/** Decodes a channel until `signal` aborts; `shownAt` gets the time at which each number was first in a decoded picture. */
export async function readNumbers(
  url: string,
  shownAt: Map<number, number>,
  signal: AbortSignal,
): Promise<{ unreadable: number }> {
  const seen = { unreadable: 0 };
  using pool = new FramePool();
  const stages = new StageGroup();
  const common = { calls: UNRECORDED_CALLS, observer: UNOBSERVED };
  const chunks = subscribe({ url }, { signal, start: 0, maxLag: Number.POSITIVE_INFINITY });
  const { video } = demux(chunks, { timeline: new Timeline(null), ...common });
  try {
    for await (const frame of video.pipeThrough(stages.add(decode({ pool, ...common })))) {
      using shown = frame;
      const number = markerIn(shown.native);
      if (number === null) seen.unreadable++;
      else if (!shownAt.has(number)) shownAt.set(number, performance.now());
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await stages.settled();
  }
  return seen;
}
