/** Makes the pictures that the models of a plan get for one frame: from the frame, or from the picture before. */
import type { Picture } from "../../media/picture.ts";
import type { PictureConverter } from "../codec/picture-converter.ts";
import type { LoadedModel } from "../device/loaded-model.ts";
import type { Fit, Size } from "../protocol/work.ts";
import type { PlanJob } from "./executor.ts";
import type { NodeOutput, RunningNode } from "./plan-node.ts";

interface Pictures {
  readonly picture: Picture | null;
  readonly original: Picture | null;
}

const NONE: Pictures = { picture: null, original: null };

export class FrameInputs {
  readonly #converter: PictureConverter;
  readonly #job: PlanJob;
  #before: Picture | null = null;
  /** The node that drew `before` keeps it: it must be copied before its memory may move. */
  #isKept = false;

  constructor(converter: PictureConverter, job: PlanJob) {
    this.#converter = converter;
    this.#job = job;
  }

  /** The last picture that a model has drawn for this frame; null before the first. */
  get picture(): Picture | null {
    return this.#before;
  }

  /** There is a picture for models that take video: the frame, or what a model drew. */
  get hasVideo(): boolean {
    return this.#before !== null || this.#job.frame !== null;
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
        ? await this.#ofFrame(size, inner, fit, node.model)
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

  /** A model's own fit shows it the whole frame; otherwise the part that the output shows is squeezed to its size. */
  async #ofFrame(size: Size, inner: Size, own: Fit | null, use: string): Promise<Picture> {
    const { params } = this.#job;
    if (own !== null) return await this.#converter.toPicture(this.#frame, inner, own, { use });
    return await this.#converter.toPicture(this.#frame, size, params.fit, { target: inner, use });
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
