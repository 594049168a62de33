/** Opens the source of one stream: the packets of its input channel, or a clock. */
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../media/time.ts";
import { endWhen } from "../../streams/end-when.ts";
import { subscribe } from "../../trickle/client/subscriber.ts";
import type { Tick } from "../codec/video-frame.ts";
import type { Source } from "../pipeline.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { StreamParams, StreamSpec } from "../protocol/work.ts";
import { clock } from "../source/clock.ts";
import { type DemuxOptions, demux } from "../source/demux.ts";
import { Timeline } from "../source/timeline.ts";
import type { StreamEnding } from "./stream-ending.ts";

const DEFAULT_FPS = 24;

export interface StreamSourceOptions {
  /** Media up to this time has been sent by another engine; null at the beginning of a stream. */
  readonly after: Ticks | null;
  readonly params: () => StreamParams;
  readonly calls: NativeCalls;
  readonly ending: Pick<StreamEnding, "stopSignal" | "abortSignal">;
  readonly observer: DemuxOptions["observer"];
  /** The input has ended; its last packets may still wait to be read. */
  readonly onEnd: () => void;
}

/** Ends in order when the stream is asked to end. */
export function streamSource(
  { input, audio }: Pick<StreamSpec, "input" | "audio">,
  options: StreamSourceOptions,
): Source {
  if (!input) return { kind: "clock", ticks: countedTicks(options) };
  const { after, calls, ending, observer, onEnd } = options;
  const segments = subscribe(input, { signal: ending.abortSignal, known: true });
  const packets = demux(endWhen(segments, ending.stopSignal), {
    timeline: new Timeline(after),
    calls,
    observer,
    onEnd,
  });
  return { kind: "input", packets, audio };
}

function countedTicks(options: StreamSourceOptions): ReadableStream<Tick> {
  const { after, params, ending, observer } = options;
  const start = ticks((after ?? 0) + (after === null ? 0 : TICKS_PER_SECOND / DEFAULT_FPS));
  const pace = clock(start, () => params().fps ?? DEFAULT_FPS);
  const counted = new TransformStream<Tick, Tick>({
    transform(tick, controller) {
      observer.frameIn(tick);
      controller.enqueue(tick);
    },
  });
  return endWhen(pace, ending.stopSignal).pipeThrough(counted);
}
