/** The program of a diffusion pipeline: draws every frame from the prompts, with a smooth change from one prompt to the next. */
import { DiffusionPipeline } from "../../diffusion/pipeline.ts";
import { CONTROL_SUFFIXES } from "../../diffusion/pipeline-abilities.ts";
import { readPipelineFolder } from "../../diffusion/pipeline-folder.ts";
import type { ControlPicture, Controls } from "../../diffusion/run-controls.ts";
import { StreamLane } from "../../diffusion/stream/stream-lane.ts";
import { streamSettings } from "../../diffusion/stream/stream-settings.ts";
import type { Conditioning } from "../../diffusion/text/conditioning.ts";
import type { RunItem } from "../../models/roles/role.ts";
import type { Prompt } from "../../protocol/work.ts";
import type { SessionSettings } from "../devices.ts";
import type { RunOutput } from "./calls.ts";
import type { Program } from "./program.ts";

export class DiffusionProgram implements Program {
  readonly hasComputedSizes = true;
  readonly #pipeline: DiffusionPipeline;
  readonly #empty: Conditioning;
  readonly #lanes = new Map<string, StreamLane>();

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
    for (const item of items) {
      const { picture, size } = item;
      const [settings, controls] = [streamSettings(item), controlsOf(item)];
      const frame = { picture, size, prompts: promptsOf(item), settings, controls };
      outputs.push({ picture: await this.#laneOf(item).next(frame), data: {} });
    }
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

  #laneOf({ lane }: RunItem): StreamLane {
    const known = this.#lanes.get(lane);
    if (known !== undefined) return known;
    const made = new StreamLane(this.#pipeline, this.#empty);
    this.#lanes.set(lane, made);
    return made;
  }
}

/** What the ControlNets follow: the pictures that were uploaded for them, or else the video. */
function controlsOf({ values, picture }: RunItem): Controls {
  const number = (port: string, absent: number): number => {
    const value = values[port];
    return typeof value === "number" ? value : absent;
  };
  const pictures = CONTROL_SUFFIXES.flatMap((suffix, net): ControlPicture[] => {
    const uploaded = values[`control_image${suffix}`];
    const followed = typeof uploaded === "object" && "width" in uploaded ? uploaded : picture;
    const strength = number(`control${suffix}`, 0);
    if (followed === null || strength === 0) return [];
    const start = number(`control_start${suffix}`, 0);
    const range = { start, end: number(`control_end${suffix}`, 1) };
    return [{ net, picture: followed, strength, range }];
  });
  return { pictures, guesses: number("guess_mode", 0) !== 0 };
}

function promptsOf({ values }: RunItem): readonly Prompt[] {
  const value = values["prompts"];
  return typeof value === "object" && "prompts" in value ? value.prompts : [];
}
