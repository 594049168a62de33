/** One model of a stream's plan: runs it when its inputs have changed and its policy asks for it, and keeps its last result. */
import { type PlainError, toPlainError } from "../../errors.ts";
import type { Picture } from "../../media/picture.ts";
import type { LoadedModel } from "../device/loaded-model.ts";
import type { RunOutput } from "../device/worker/calls.ts";
import type { Moment } from "../models/roles/role.ts";
import { type RunValues, samePicture, sameValues, valuesOf } from "../models/run-values.ts";
import type { Tensor } from "../models/tensor.ts";
import type { NativeCalls } from "../protocol/call-journal.ts";
import type { Size } from "../protocol/work.ts";
import type { PlanNode } from "./plan.ts";

/** Of the stream, for its nodes. */
export interface NodeOptions {
  /** Device time is charged to it. */
  readonly key: string;
  readonly calls: NativeCalls;
  readonly signal: AbortSignal;
}

/** What one run gets besides the values of its ports. */
export interface NodeInput {
  /** In the model's size; made only if the model runs. The memory moves to the worker. */
  readonly pictures: () => Promise<{ picture: Picture | null; original: Picture | null }>;
  readonly size: Size;
  /** The model gets a picture of the video. */
  readonly hasVideo: boolean;
  readonly moment: Moment;
  readonly deadline: number | undefined;
  /** Called when the device begins with the run. */
  readonly onStart?: () => void;
}

export interface NodeOutput extends RunOutput {
  /** 0 where an earlier result was taken. */
  readonly inferenceMs: number;
  /** The node keeps the result: the memory of its picture must be neither transferred nor reused. */
  readonly isKept: boolean;
}

/** Lanes of nodes with the same key differ: two pictures may run at a time, and a plan be replaced while it runs. */
let lanes = 0;

export class RunningNode {
  readonly node: PlanNode;
  readonly model: LoadedModel;
  readonly #options: NodeOptions;
  /** Null before the first run. */
  #lane: { readonly name: string; readonly sizes: string } | null = null;
  #last: { readonly output: RunOutput; readonly values: RunValues; readonly size: Size } | null =
    null;
  #lastInput: Picture | null = null;
  #frames = 0;
  #runsInFlight = 0;
  #disposed = false;
  /** The run of a feeder in the background; null while none runs. */
  #feeding: Promise<void> | null = null;
  #feedError: PlainError | null = null;

  constructor(node: PlanNode, model: LoadedModel, options: NodeOptions) {
    this.node = node;
    this.model = model;
    this.#options = options;
  }

  /** Why the last run of a feeder in the background failed; null where it did not. */
  get feedError(): PlainError | null {
    return this.#feedError;
  }

  /** An output of the last run; null before it. */
  output(name: string): Tensor | null {
    return this.#last?.output.data[name] ?? null;
  }

  /** Runs the model for this frame, or gives the last result again where nothing has changed. Throws as the model does. */
  async run(input: NodeInput): Promise<NodeOutput> {
    const { definition } = this.model;
    const { every, skipUnchanged } = definition.run;
    const values = valuesOf(definition, input.moment);
    const isLive = input.hasVideo ? definition.live.withVideo : definition.live.alone;
    const isDue = this.#frames++ % every === 0;
    const last = this.#last;
    const isSame =
      last !== null && sameSize(last.size, input.size) && sameValues(last.values, values);
    if (last !== null && (!isDue || (isSame && !isLive))) return kept(last.output);
    const given = await input.pictures();
    let seen: Picture | null = null;
    if (skipUnchanged && given.picture !== null) {
      const before = this.#lastInput;
      if (isSame && before !== null && samePicture(before, given.picture)) return kept(last.output);
      seen = { ...given.picture, data: given.picture.data.slice() };
    }
    const keeps = every > 1 || skipUnchanged || !isLive || this.node.isFeeder;
    const { inferenceMs, ...output } = await this.#infer(input, values, given);
    this.#last = keeps ? { output, values, size: input.size } : null;
    this.#lastInput = seen;
    return { ...output, inferenceMs, isKept: keeps };
  }

  /**
   * Brings a feeder's outputs up to date. One that does not depend on the frame runs in the background, while the frames
   * go on with its last outputs; only its first run is waited for. A failure in the background is tried again with the
   * next frame.
   */
  async feed(input: NodeInput): Promise<void> {
    const { withVideo, alone } = this.model.definition.live;
    if (this.#last === null || (input.hasVideo ? withVideo : alone)) {
      await this.run(input);
      return;
    }
    // The frame does not wait for it, so that it may end after the frame's deadline.
    this.#feeding ??= this.run({ ...input, deadline: undefined })
      .then(
        () => {
          this.#feedError = null;
        },
        (error) => {
          this.#feedError = toPlainError(error, "model_failed");
        },
      )
      .finally(() => {
        this.#feeding = null;
      });
  }

  /** The results of runs in progress are not wanted any more: those that can be interrupted end with `TooLate`. */
  abandon(): void {
    if (this.#lane !== null) this.model.abandon?.(this.#lane.name);
  }

  /** Forgets the state that the model keeps for this node, once its runs have ended. */
  dispose(): void {
    this.#disposed = true;
    this.abandon();
    if (this.#runsInFlight === 0) this.#forget();
  }

  async #infer(
    { size, deadline, moment, onStart }: NodeInput,
    values: RunValues,
    given: { picture: Picture | null; original: Picture | null },
  ) {
    const { key, calls, signal } = this.#options;
    const lane = this.#laneFor(size, moment.outputSize);
    this.#runsInFlight++;
    try {
      return await this.model.run({
        key,
        lane,
        calls,
        signal,
        size,
        values,
        ...given,
        ...(deadline !== undefined && { deadline }),
        ...(onStart && { onStart }),
      });
    } finally {
      this.#runsInFlight--;
      // A run that waited for the device has begun a state after `dispose`.
      if (this.#disposed && this.#runsInFlight === 0) this.#forget();
    }
  }

  /**
   * The lane under which the model keeps the node's state. Each size begins a new one: a model may run large pictures in
   * another thread, where the state of an earlier time would still lie when the stream comes back to its first size.
   */
  #laneFor(inner: Size, output: Size): string {
    const sizes = [inner, ...(this.model.definition.overlays ? [output] : [])]
      .map(({ width, height }) => `${width}x${height}`)
      .join(" ");
    if (this.#lane?.sizes !== sizes) {
      this.#forget();
      this.#lane = { name: `${this.#options.key}/${lanes++}`, sizes };
    }
    return this.#lane.name;
  }

  #forget(): void {
    if (this.#lane !== null) this.model.forget(this.#lane.name);
    this.#lane = null;
  }
}

const kept = (output: RunOutput): NodeOutput => ({ ...output, inferenceMs: 0, isKept: true });

const sameSize = (a: Size, b: Size): boolean => a.width === b.width && a.height === b.height;
