/** Makes the pictures that the models of a plan get for one frame: from the frame, or from the picture before. */
import type { Picture } from "../../media/picture.ts";
import type { PictureConverter } from "../codec/picture-converter.ts";
import type { LoadedModel } from "../device/loaded-model.ts";
import type { Fit, Size } from "../protocol/work.ts";
import type { NodeOutput, RunningNode } from "./plan-node.ts";
import type { PlanJob } from "./plan-result.ts";

interface Pictures {
  readonly picture: Picture | null;
  readonly original: Picture | null;
}

const NONE: Pictures = { picture: null, original: null };

export class FrameInputs {
  readonly #converter: PictureConverter;
  readonly #job: PlanJob;
  #before: Picture | null = null;
  /** The node that drew `before` keeps it: it must be copied before its memory may be transferred. */
  #isKept = false;
  /** A conversion of the frame that has begun before it was asked for, and what it is for. */
  #ahead: { readonly of: string; readonly picture: Promise<Picture> } | null = null;
  readonly #begun = Promise.withResolvers<void>();
  #begunAt: number | null = null;
  #convertMs = 0;

  constructor(converter: PictureConverter, job: PlanJob) {
    this.#converter = converter;
    this.#job = job;
  }

  /** The last picture that a model has drawn for this frame; null before the first. */
  get picture(): Picture | null {
    return this.#before;
  }

  /** True if the node that drew `picture` keeps it: its memory must not be reused. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** There is a picture for models that take video: the frame, or what a model drew. */
  get hasVideo(): boolean {
    return this.#before !== null || this.#job.frame !== null;
  }

  /** The frame is converted before its turn: it may run while another does. */
  get isAhead(): boolean {
    return this.#ahead !== null;
  }

  /** Resolves when the device begins with the first model; never if none runs. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** `performance.now()` when the device began with the first model; null before. */
  get begunAt(): number | null {
    return this.#begunAt;
  }

  /** How long the last conversion of the frame took. */
  get convertMs(): number {
    return this.#convertMs;
  }

  /** Begins to convert the frame for the model that gets it first, in the size `inner`. */
  beginPicture({ node, model }: RunningNode, inner: Size): void {
    const picture = this.#convert(inner, model.definition.fit, node.model);
    picture.catch(() => {}); // whoever asks for it reports it
    this.#ahead = { of: this.#useOf(inner, model.definition.fit, node.model), picture };
  }

  /** The device begins with a model. */
  started(): void {
    this.#begunAt ??= performance.now();
    this.#begun.resolve();
  }

  /** Settles when no conversion is under way that nobody has asked for. */
  async settled(): Promise<void> {
    await this.#ahead?.picture.catch(() => {});
  }

  /** A model has drawn a picture, which the next one gets. */
  drawn({ picture, isKept }: NodeOutput): void {
    this.#before = picture;
    this.#isKept = isKept;
  }

  /** The size in which a model wants the picture of the one before it. */
  sizeFor(model: LoadedModel): Size {
    return model.definition.overlays ? this.#job.size : model.inputSize(this.#job.size);
  }

  /** The pictures of a node: in the model's own size, and in the output's for models that draw over it. */
  async picturesFor({ node, model }: RunningNode, inner: Size): Promise<Pictures> {
    const { definition } = model;
    if (definition.video === "none") return NONE;
    const before = this.#before;
    // What the model consumes must not be what is shown, or what others get, in its stead.
    const memory = this.#isKept || node.isFeeder || !definition.draws ? "copied" : "moved";
    const { frame, size, params } = this.#job;
    if (before === null && frame === null) return NONE;
    const fit = definition.fit;
    const picture =
      before === null
        ? await this.#ofFrame(inner, fit, node.model)
        : await this.#scaled(before, inner, fit, memory);
    if (!definition.overlays) return { picture, original: null };
    if (fit === null && inner.width === size.width && inner.height === size.height) {
      return { picture, original: picture };
    }
    const original =
      before === null
        ? await this.#converter.toPicture(this.#frame, size, params.fit, {
            use: `${node.model} original`,
          })
        : await this.#scaled(before, size, null, memory);
    return { picture, original };
  }

  async #ofFrame(inner: Size, own: Fit | null, use: string): Promise<Picture> {
    const ahead = this.#ahead;
    this.#ahead = null; // its memory goes to one model
    if (ahead?.of === this.#useOf(inner, own, use)) return await ahead.picture;
    return await this.#convert(inner, own, use);
  }

  #useOf({ width, height }: Size, own: Fit | null, use: string): string {
    return `${width}x${height} ${own} ${use}`;
  }

  /** A model's own fit shows it the whole frame; otherwise the part that the output shows is squeezed to its size. */
  async #convert(inner: Size, own: Fit | null, use: string): Promise<Picture> {
    const { params, size } = this.#job;
    const begun = performance.now();
    const shape = own === null ? { size, fit: params.fit } : { size: inner, fit: own };
    const options = { target: inner, use };
    const picture = await this.#converter.toPicture(this.#frame, shape.size, shape.fit, options);
    this.#convertMs = performance.now() - begun;
    return picture;
  }

  get #frame() {
    const { frame } = this.#job;
    if (frame === null) throw new Error("a model that takes video has none");
    return frame;
  }

  async #scaled(before: Picture, inner: Size, own: Fit | null, memory: "copied" | "moved") {
    if (before.width === inner.width && before.height === inner.height) {
      return memory === "copied" ? { ...before, data: before.data.slice() } : before;
    }
    const between = await this.#converter.toFrame(before, inner, own ?? "stretch");
    try {
      return await this.#converter.toPicture(between, inner, "stretch", { use: "between" });
    } finally {
      between.free();
    }
  }
}
