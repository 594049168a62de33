/** The program of a diffusion pipeline: draws every frame by the prompts, which flow from one to the next. */
import { WorkerError } from "../../../errors.ts";
import { DiffusionPipeline } from "../../diffusion/pipeline.ts";
import { readPipelineFolder } from "../../diffusion/pipeline-folder.ts";
import type { Conditioning } from "../../diffusion/text/conditioning.ts";
import { ConditioningMorph } from "../../diffusion/text/conditioning-morph.ts";
import type { RunItem } from "../../models/roles/role.ts";
import type { Prompt } from "../../protocol/work.ts";
import type { SessionSettings } from "../devices.ts";
import type { RunOutput } from "./calls.ts";
import type { Program } from "./program.ts";

/** Frames over which a new prompt takes the place of the one before. */
const MORPH_FRAMES = 8;

/** What a lane remembers. */
interface Lane {
  readonly positive: ConditioningMorph;
  readonly negative: ConditioningMorph;
  frames: number;
}

export class DiffusionProgram implements Program {
  readonly hasComputedSizes = true;
  readonly #pipeline: DiffusionPipeline;
  readonly #empty: Conditioning;
  readonly #lanes = new Map<string, Lane>();

  /** Throws `model_failed` that names what is missing from the folder or cannot be read. */
  static async open(folder: string, settings: SessionSettings): Promise<DiffusionProgram> {
    const pipeline = await DiffusionPipeline.open(await readPipelineFolder(folder), settings);
    return new DiffusionProgram(pipeline, await pipeline.conditioner.empty());
  }

  private constructor(pipeline: DiffusionPipeline, empty: Conditioning) {
    this.#pipeline = pipeline;
    this.#empty = empty;
  }

  async run(items: readonly RunItem[]): Promise<readonly RunOutput[]> {
    const outputs: RunOutput[] = [];
    for (const item of items) outputs.push({ picture: await this.#draw(item), data: {} });
    return outputs;
  }

  forget(lane: string): void {
    this.#lanes.delete(lane);
  }

  async placements(): Promise<Readonly<Record<string, number>>> {
    return {};
  }

  async release(): Promise<void> {
    await this.#pipeline.release();
  }

  async #draw(item: RunItem) {
    const { picture, size } = item;
    const pair = await this.#pipeline.conditioner.pairOf(promptsOf(item));
    const lane = this.#laneOf(item);
    const frame = lane.frames++;
    return await this.#pipeline.draw({
      ...{ picture, size },
      conditioning: {
        positive: lane.positive.at(pair.positive, frame),
        negative: lane.negative.at(pair.negative, frame),
      },
      steps: numberOf(item, "steps"),
      strength: numberOf(item, "strength"),
      guidance: numberOf(item, "guidance"),
      seed: BigInt(numberOf(item, "seed")),
    });
  }

  #laneOf({ lane }: RunItem): Lane {
    const known = this.#lanes.get(lane);
    if (known !== undefined) return known;
    const morph = () =>
      new ConditioningMorph({ duration: MORPH_FRAMES, method: "linear", empty: this.#empty });
    const made: Lane = { positive: morph(), negative: morph(), frames: 0 };
    this.#lanes.set(lane, made);
    return made;
  }
}

function promptsOf({ values }: RunItem): readonly Prompt[] {
  const value = values["prompts"];
  return typeof value === "object" && "prompts" in value ? value.prompts : [];
}

function numberOf({ values }: RunItem, port: string): number {
  const value = values[port];
  if (typeof value === "number") return value;
  throw new WorkerError("internal", `no value for ${port}`);
}
