/** Converts decoded frames of any rate and layout to samples of one format. */
import {
  nativeFormat,
  nativeLayout,
  planeCount,
  SAMPLE_RATE,
  type SampleFormat,
  type Samples,
  sampleBytes,
} from "./audio-samples.ts";
import { check, type Frame, SoftwareResampleContext } from "./libav.ts";

/** A resampler and the input that it is configured for. */
interface Input {
  readonly context: SoftwareResampleContext;
  readonly sampleRate: number;
  readonly channels: number;
  readonly mask: bigint;
  readonly format: number;
}

/** Mixes more channels down to those of `format`. The input's format may change at any time. */
export class AudioResampler implements Disposable {
  readonly #format: SampleFormat;
  #input: Input | null = null;

  constructor(format: SampleFormat) {
    this.#format = format;
  }

  /** The samples that can be computed so far; the last ones depend on the next frame. */
  convert(frame: Frame): Samples[] {
    const before = this.#input && !fits(this.#input, frame) ? [this.drain()] : [];
    this.#input ??= this.#open(frame);
    const { context } = this.#input;
    const room = check(context.getOutSamples(frame.nbSamples), "resample");
    return [...before, this.#run(context, room, frame.extendedData, frame.nbSamples)];
  }

  /** Samples that went in and have not come out. */
  get held(): number {
    return Number(this.#input?.context.getDelay(BigInt(SAMPLE_RATE)) ?? 0n);
  }

  /** The samples that are held, without what would follow them. */
  drain(): Samples {
    const context = this.#input?.context;
    if (!context) return { planes: [], count: 0 };
    const room = check(context.getOutSamples(0), "resample");
    const rest = this.#run(context, room, null, 0);
    this[Symbol.dispose]();
    return rest;
  }

  #open(frame: Frame): Input {
    const { sampleRate, channelLayout, format } = frame;
    const context = new SoftwareResampleContext();
    try {
      check(
        context.allocSetOpts2(
          nativeLayout(this.#format),
          nativeFormat(this.#format),
          SAMPLE_RATE,
          channelLayout,
          format as ReturnType<typeof nativeFormat>,
          sampleRate,
        ),
        "make a resampler",
      );
      check(context.init(), "open a resampler");
    } catch (error) {
      context.free();
      throw error;
    }
    const { nbChannels: channels, mask } = channelLayout;
    return { context, sampleRate, channels, mask, format };
  }

  #run(
    context: SoftwareResampleContext,
    room: number,
    planes: Buffer[] | null,
    count: number,
  ): Samples {
    if (room === 0) return { planes: [], count: 0 };
    const out = Array.from({ length: planeCount(this.#format) }, () =>
      Buffer.alloc(room * sampleBytes(this.#format)),
    );
    const made = check(context.convertSync(out, room, planes, count), "resample");
    const bytes = made * sampleBytes(this.#format);
    return { planes: out.map((plane) => plane.subarray(0, bytes)), count: made };
  }

  [Symbol.dispose](): void {
    this.#input?.context.free();
    this.#input = null;
  }
}

const fits = (input: Input, frame: Frame): boolean =>
  input.sampleRate === frame.sampleRate &&
  input.format === frame.format &&
  input.channels === frame.channelLayout.nbChannels &&
  input.mask === frame.channelLayout.mask;
