/** Decodes video packets into frames as a screen shows them. */
import { type PlainError, reason } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { codedSizeOf } from "../../media/coded-size.ts";
import type { VideoPacket } from "../../media/encoded-packet.ts";
import type { Stage } from "../../streams/stage.ts";
import type { PipelineObserver } from "../pipeline-observer.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { Size } from "../protocol/work.ts";
import { DisplayFilter, type DisplayHints } from "./display-filter.ts";
import { VideoDecoder } from "./video-decoder.ts";
import type { FramePool, VideoFrame } from "./video-frame.ts";

const log = getLogger("decode");

/** Deadline of a packet: the largest picture takes some tenths of a second. */
const DECODE_MS = 10_000;
/** Any camera's picture, up to 4096x2304, is decoded, however small the output is. */
const MIN_LIMIT = 4096 * 2304;
/** After a loss so many pictures are left out at most: not every sender sends key frames again and again. */
const MAX_SKIPPED = 300;
/** An input may have this many times the pixels of its output. */
const OUTPUT_MULTIPLE = 4;

export interface DecodeOptions {
  readonly pool: FramePool;
  /** The output's size, asked again for every key frame; null if it follows the input's. */
  readonly outputSize?: () => Size | null;
  readonly calls: NativeCalls;
  readonly observer: Pick<PipelineObserver, "frameDropped" | "stageTook" | "trouble">;
}

/**
 * Decodes from the first key frame on, and from the next one after a loss. Packets whose frames never come out are counted as
 * dropped. A codec that changes in mid-stream opens a new decoder; a size that changes does not need one. Pictures that are too
 * large are refused before they are decoded, until a key frame of a usable size comes. What cannot be decoded is reported and
 * left out up to the next key frame; it never ends the stream.
 *
 * @example
 * packets.pipeThrough(stages.add(decode({ pool, calls, observer }), OVERLAP))
 */
export function decode(options: DecodeOptions): DecodeStage {
  return new DecodeStage(options);
}

/** One decoder and what corrects its frames. */
interface OpenDecoder extends Disposable {
  readonly decoder: VideoDecoder;
  readonly display: DisplayFilter;
}

export class DecodeStage implements Stage<VideoPacket, VideoFrame> {
  readonly #options: DecodeOptions;
  readonly #calls: NativeCalls;
  #open: OpenDecoder | null = null;
  /** Display hints of the newest packet. */
  #hints: Pick<VideoPacket, "orientation" | "pixelAspect"> = {};
  /** What is wrong with the pictures since the last key frame that could be decoded, as it was reported. */
  #trouble: PlainError | null = null;
  /** Pictures that may still be left out until a key frame comes: they refer to lost ones. */
  #skips = 0;
  #isBusy = false;

  constructor(options: DecodeOptions) {
    this.#options = options;
    this.#calls = options.calls;
  }

  /** True while a packet is being decoded, for good if the decoder hangs. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  async transform(
    packet: VideoPacket,
    controller: TransformStreamDefaultController<VideoFrame>,
  ): Promise<void> {
    this.#isBusy = true;
    await this.#take(packet, controller);
    this.#isBusy = false;
  }

  async flush(controller: TransformStreamDefaultController<VideoFrame>): Promise<void> {
    await this.#end(controller);
  }

  dispose(): void {
    this.#open?.[Symbol.dispose]();
    this.#open = null;
  }

  async #take(
    packet: VideoPacket,
    controller: TransformStreamDefaultController<VideoFrame>,
  ): Promise<void> {
    if (packet.keyFrame) await this.#prepare(packet, controller);
    if (packet.keyFrame) this.#skips = 0;
    else if (packet.afterLoss) this.#skips = MAX_SKIPPED;
    const isSkipped = this.#skips > 0;
    if (isSkipped) this.#skips--;
    if (isSkipped || this.#open?.decoder.codec !== packet.codec) return this.#drop(packet);
    const begun = performance.now();
    const frames = await this.#decode(this.#open, packet);
    if (!frames) return;
    for (const frame of frames) controller.enqueue(frame);
    if (frames.length > 0 && this.#trouble) this.#report(null);
    this.#options.observer.stageTook("decode", performance.now() - begun);
  }

  #drop(packet: VideoPacket): void {
    if (!packet.hidden) this.#options.observer.frameDropped("undecodable");
  }

  /** The frames to show that a packet completes; null if that failed, which closes the decoder and drops what it held. */
  async #decode(open: OpenDecoder, packet: VideoPacket): Promise<VideoFrame[] | null> {
    const { decoder, display } = open;
    this.#hints = packet;
    using _call = this.#calls.begin("decode", DECODE_MS);
    let made: readonly VideoFrame[] = [];
    try {
      made = await decoder.decode(packet);
      const frames = await corrected(made, display, packet);
      this.#countLost(decoder);
      return frames;
    } catch (error) {
      decoder.abandon(made.length);
      this.#countLost(decoder);
      this.#fail(error);
      return null;
    }
  }

  /** Opens a decoder for what begins with this key frame, unless the one that is open will do. */
  async #prepare(
    packet: VideoPacket,
    controller: TransformStreamDefaultController<VideoFrame>,
  ): Promise<void> {
    const maxPixels = this.#maxPixels();
    const tooLarge = refusalOf(packet, maxPixels);
    const isUsable = this.#open?.decoder.codec === packet.codec;
    const hasLimit = (this.#open?.decoder.maxPixels ?? 0) >= maxPixels;
    if (tooLarge || !isUsable || !hasLimit) await this.#end(controller);
    if (tooLarge) return this.#report(tooLarge);
    if (this.#open) return;
    using _call = this.#calls.begin("decode", DECODE_MS);
    try {
      this.#open = openDecoder(packet, this.#options.pool, maxPixels);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Gives out what is inside the decoder and closes it. */
  async #end(controller: TransformStreamDefaultController<VideoFrame>): Promise<void> {
    if (!this.#open) return;
    const frames = await this.#rest(this.#open);
    for (const frame of frames) controller.enqueue(frame);
    this.dispose();
  }

  async #rest({ decoder, display }: OpenDecoder): Promise<VideoFrame[]> {
    using _call = this.#calls.begin("decode", DECODE_MS);
    let made: readonly VideoFrame[] = [];
    try {
      made = await decoder.flush();
      const frames = await corrected(made, display, this.#hints);
      this.#countLost(decoder);
      return [...frames, ...(await display.flush(this.#hints))];
    } catch (error) {
      decoder.abandon(made.length);
      this.#countLost(decoder);
      this.#fail(error);
      return [];
    }
  }

  /** A decoder, or a filter behind it, does not take what the input says its pictures are. */
  #fail(error: unknown): void {
    this.dispose();
    const problem = `has pictures that cannot be decoded: ${reason(error)}`;
    this.#report(troubleOf(problem));
  }

  #report(trouble: PlainError | null): void {
    if (trouble && this.#trouble?.message !== trouble.message)
      log.warn("input refused", { reason: trouble.message });
    this.#trouble = trouble;
    this.#options.observer.trouble("input", trouble);
  }

  #countLost(decoder: VideoDecoder): void {
    const lost = decoder.takeLost();
    if (lost > 0) log.debug("frames not decodable", { frames: lost });
    for (let each = 0; each < lost; each++) this.#options.observer.frameDropped("undecodable");
  }

  #maxPixels(): number {
    const size = this.#options.outputSize?.() ?? null;
    return Math.max(MIN_LIMIT, size ? OUTPUT_MULTIPLE * size.width * size.height : 0);
  }
}

function openDecoder(packet: VideoPacket, pool: FramePool, maxPixels: number): OpenDecoder {
  const decoder = new VideoDecoder(packet.codec, { pool, maxPixels });
  const display = new DisplayFilter(packet.codec, { pool, maxPixels });
  return {
    decoder,
    display,
    [Symbol.dispose]() {
      decoder[Symbol.dispose]();
      display[Symbol.dispose]();
    },
  };
}

/** Frames as they are shown. If one cannot be made, none is, and all are freed. */
async function corrected(
  frames: readonly VideoFrame[],
  display: DisplayFilter,
  hints: DisplayHints,
): Promise<VideoFrame[]> {
  const shown: VideoFrame[] = [];
  try {
    for (const frame of frames) {
      if (display.passes(frame, hints)) shown.push(frame);
      else shown.push(...(await display.push(frame, hints)));
    }
    return shown;
  } catch (error) {
    for (const frame of [...shown, ...frames]) frame[Symbol.dispose]();
    throw error;
  }
}

/** The error for a key frame that has more pixels than are decoded; null if it is small enough. */
function refusalOf({ codec, data }: VideoPacket, maxPixels: number): PlainError | null {
  const size = codedSizeOf(codec, data);
  if (!size || size.width * size.height <= maxPixels) return null;
  return troubleOf(
    `has pictures of ${size.width}x${size.height}; at most ${maxPixels} pixels (such as 4096x2304) are decoded: send smaller ones`,
  );
}

const troubleOf = (problem: string): PlainError => ({
  kind: "unsupported_media",
  message: `input ${problem}`,
  details: [{ field: "input", problem }],
});
