/** Draws the frames of one stream, and keeps the state that carries over from frame to frame. */
import type { Picture } from "../../../media/picture.ts";
import { samePicture } from "../../models/run-values.ts";
import { floatTensor } from "../../models/tensor.ts";
import type { Prompt, Size } from "../../protocol/work.ts";
import type { ConditioningPair } from "../conditioner.ts";
import { type DiffusionPipeline, wholeSizes } from "../pipeline.ts";
import { type ControlPicture, type Controls, NO_CONTROLS } from "../run-controls.ts";
import type { Latent } from "../sampler/latent.ts";
import type { Evaluate } from "../sampler/prompt-guidance.ts";
import type { Conditioning } from "../text/conditioning.ts";
import { ConditioningMorph } from "../text/conditioning-morph.ts";
import { type FlowStart, LatentFeedback } from "./latent-feedback.ts";
import { SimilarityFilter } from "./similarity-filter.ts";
import { StepBatch } from "./step-batch.ts";
import { type StreamSettings, statedSizes } from "./stream-settings.ts";

/** Frames over which a new prompt takes the place of the one before. */
const MORPH_FRAMES = 8;

/** With fewer steps every strength has noise of its own; with more the schedules are ComfyUI's. */
const MANY_STEPS = 10;

export interface StreamFrame {
  /** The video frame, with sides that the denoiser takes; null: drawn from noise, in `size`. */
  readonly picture: Picture | null;
  readonly size: Size;
  readonly prompts: readonly Prompt[];
  readonly settings: StreamSettings;
  /** What the ControlNets follow; by default nothing. */
  readonly controls?: Controls;
}

/** All frames of a lane have one size. */
export class StreamLane {
  readonly #pipeline: DiffusionPipeline;
  readonly #positive: ConditioningMorph;
  readonly #negative: ConditioningMorph;
  readonly #batch = new StepBatch();
  readonly #feedback = new LatentFeedback();
  #filter: SimilarityFilter | null = null;
  #frames = 0;
  /** What the last frame was drawn by, and how many frames before it were drawn by the same. */
  #last: {
    readonly pair: ConditioningPair;
    readonly settings: StreamSettings;
    readonly controls: Controls;
  } | null = null;
  #unchanged = 0;
  /** Video frames one after the other that resemble the last one that was drawn. */
  #similar = 0;
  /** A copy of the last picture, where it may be shown again. */
  #shown: Picture | null = null;

  /** `empty`: the conditioning of the empty prompt. */
  constructor(pipeline: DiffusionPipeline, empty: Conditioning) {
    this.#pipeline = pipeline;
    const morph = () => new ConditioningMorph({ duration: MORPH_FRAMES, method: "linear", empty });
    this.#positive = morph();
    this.#negative = morph();
  }

  /** The picture for the next frame; its memory is the caller's. After an error the lane can be used again. */
  async next(frame: StreamFrame): Promise<Picture> {
    const { picture, settings } = frame;
    const { rules = "ComfyUI", clipSkip = 0 } = settings;
    const wanted = await this.#pipeline.conditioner.pairOf(frame.prompts, { rules, clipSkip });
    const time = this.#frames++;
    const pair: ConditioningPair = {
      positive: this.#positive.at(wanted.positive, time),
      negative: this.#negative.at(wanted.negative, time),
    };
    this.#compare(pair, frame);
    const isRepeated = this.#isRepeated(frame);
    if (this.#shown !== null && isRepeated) return copyOf(this.#shown);

    this.#shown = null; // a failure must not leave an older picture to repeat
    const start =
      picture === null
        ? this.#feedback.start(this.#pipeline.emptyLatent(frame.size), settings)
        : { latent: await this.#pipeline.encode(picture), strength: settings.strength };
    const samples = await this.#sample(start, { ...frame, pair });
    if (picture === null) this.#feedback.keep(samples);
    const drawn = await this.#pipeline.decode(floatTensor(samples, start.latent.shape));
    if (mayRepeat(frame)) this.#shown = copyOf(drawn);
    return drawn;
  }

  /** Notes how many frames have been drawn by the same prompts and settings. */
  #compare(
    pair: ConditioningPair,
    { settings, picture, controls = NO_CONTROLS }: StreamFrame,
  ): void {
    const last = this.#last;
    const isSame =
      last?.pair.positive === pair.positive &&
      last.pair.negative === pair.negative &&
      Bun.deepEquals(last.settings, settings) &&
      areSameControls(last.controls, controls, picture);
    if (last?.settings.steps !== settings.steps || !settings.streamBatch) this.#batch.reset();
    if (last?.settings.seed !== settings.seed) this.#filter = null;
    this.#unchanged = isSame ? this.#unchanged + 1 : 0;
    this.#last = { pair, settings, controls };
  }

  /** True if the last picture will do for this frame. What changed or moved last has to come out of the batch before. */
  #isRepeated(frame: StreamFrame): boolean {
    const { picture, settings } = frame;
    const isSettled = this.#unchanged > this.#batch.latency;
    if (picture === null) return isSettled && mayRepeat(frame);
    if (!mayRepeat(frame)) return false;
    this.#filter ??= new SimilarityFilter(settings.seed);
    if (!isSettled) this.#filter.reset();
    const isSimilar = this.#filter.skips(picture, settings.skipSimilar);
    this.#similar = isSimilar ? this.#similar + 1 : 0;
    return this.#similar > this.#batch.latency;
  }

  async #sample(
    { latent, strength, noise }: Partial<FlowStart> & { latent: Latent; strength: number },
    { settings, pair, controls }: StreamFrame & { readonly pair: ConditioningPair },
  ): Promise<Float32Array> {
    const { steps, guidance, streamBatch, eta = 0, guidanceRescale = 0 } = settings;
    const { shape } = latent;
    const own = wholeSizes(shape);
    const sizes = settings.sizes === undefined ? own : statedSizes(settings.sizes, own);
    const context = { conditioning: pair, shape, sizes, guidance: guidance.scale };
    const evaluate: Evaluate = (evaluations) => this.#pipeline.evaluate(evaluations, context);
    const run = (by: Evaluate): Promise<Float32Array> =>
      this.#pipeline.run(
        latent,
        {
          steps,
          strength,
          guidance,
          seed: BigInt(settings.seed),
          eta,
          guidanceRescale,
          ...(settings.rules && { rules: settings.rules }),
          ...(controls && { controls }),
          rounding: steps < MANY_STEPS ? "none" : "down",
          ...(noise && { noise }),
        },
        by,
      );
    return streamBatch ? await this.#batch.next(run, evaluate) : await run(evaluate);
  }
}

/** True where a frame may be shown with the picture of one before: a similar one, or from noise that stands still. */
const mayRepeat = ({ picture, settings }: StreamFrame): boolean =>
  picture === null ? settings.feedback === 0 : settings.skipSimilar > 0;

/** Pictures of their own that are followed must be the same; that of the video changes with every frame. */
function areSameControls(
  last: Controls,
  { pictures, guesses }: Controls,
  video: StreamFrame["picture"],
): boolean {
  const isSame = (one: ControlPicture, other: ControlPicture | undefined): boolean =>
    one.net === other?.net &&
    one.strength === other.strength &&
    Bun.deepEquals(one.range, other.range) &&
    (one.picture === video || samePicture(one.picture, other.picture));
  return (
    last.guesses === guesses &&
    last.pictures.length === pictures.length &&
    pictures.every((one, at) => isSame(one, last.pictures[at]))
  );
}

const copyOf = ({ data, ...size }: Picture): Picture => ({ ...size, data: data.slice() });
