/** Runs models of the workspace, each one network with a `model.json`, as nodes of a graph. Used in workers. */
import { basename, dirname } from "node:path";
import { fromPlainError, WorkerError } from "../../../errors.ts";
import type { Picture } from "../../../media/picture.ts";
import type { SessionSettings } from "../../device/devices.ts";
import type { RunOutput } from "../../device/worker/calls.ts";
import { OnnxProgram } from "../../device/worker/onnx-program.ts";
import { inputSize, type ModelDefinition } from "../../models/definition.ts";
import { readModelFolder } from "../../models/model-folder.ts";
import type { DataOutputPort } from "../../models/roles/data-output.ts";
import { valuesOf } from "../../models/run-values.ts";
import { StillPictures } from "../../plan/still-pictures.ts";
import { encodePrompts } from "../../prompts/lexicon.ts";
import { UNRECORDED_CALLS } from "../../protocol/call-journal.ts";
import type { ParamValues } from "../../protocol/models.ts";
import type { Prompt, Size } from "../../protocol/work.ts";
import { nodeFault } from "../folder-content.ts";

/** What one run gets besides the model. */
export interface FolderInput {
  /** In the model's size (`FolderModel.sizeFor`); null for models without video. Its memory is not written to. */
  readonly picture: Picture | null;
  readonly size: Size;
  readonly params: ParamValues;
  readonly prompts: readonly Prompt[];
}

/** How outputs are read: as `model.json` says, or all as numbers. */
export type FolderReading = "as described" | "as numbers";

export class FolderModel {
  readonly definition: ModelDefinition;
  readonly #program: OnnxProgram;
  readonly #stills = new StillPictures(UNRECORDED_CALLS);

  /** Throws `model_failed` for a folder that cannot be used, and `invalid_request` for a model that no node can run. */
  static async open(
    folder: string,
    reading: FolderReading,
    settings: SessionSettings,
  ): Promise<FolderModel> {
    const entry = await readModelFolder(dirname(dirname(folder)), basename(folder));
    if (entry === null) throw new WorkerError("unknown_model", "its folder is gone");
    if (entry.state !== "usable") throw entry.error;
    const { program } = entry;
    if (!("path" in program)) throw refused("is a pipeline: use the loaders for its parts");
    const definition = reading === "as described" ? entry.definition : inNumbers(entry.definition);
    const fault = nodeFault(definition);
    if (fault !== null) throw refused(fault);
    return new FolderModel(await OnnxProgram.open(program, definition, settings), definition);
  }

  private constructor(program: OnnxProgram, definition: ModelDefinition) {
    this.#program = program;
    this.definition = definition;
  }

  /** The size that the picture must have which is made of one of this size. */
  sizeFor(size: Size): Size {
    return inputSize(this.definition, size);
  }

  async run({ picture, size, params, prompts }: FolderInput): Promise<RunOutput> {
    const values = await this.#values(size, params, prompts);
    const item = { lane: "", picture, original: picture, size, values };
    const [output] = await this.#program.run([item]);
    if (output === undefined) throw new Error("the model gave nothing");
    return output;
  }

  async release(): Promise<void> {
    this.#stills[Symbol.dispose]();
    await this.#program.release();
  }

  /** Throws `invalid_request` for a picture that cannot be decoded. */
  async #values(
    size: Size,
    params: ParamValues,
    prompts: readonly Prompt[],
  ): Promise<ReturnType<typeof valuesOf>> {
    const { folder } = this.definition;
    let hasPictures = false;
    const read = () =>
      valuesOf(this.definition, {
        params,
        prompts,
        size,
        outputSize: size,
        timeSeconds: 0,
        graphs: [],
        sum: () => 0,
        text: () => encodePrompts(prompts),
        upstream: () => null,
        picture: (place, source, shown) => {
          hasPictures = true;
          return this.#stills.get(place, source, folder, shown);
        },
      });
    const values = read();
    if (!hasPictures) return values;
    await this.#stills.settled;
    const error = this.#stills.errorWith(params);
    if (error !== null) throw fromPlainError(error);
    return read();
  }
}

/** The definition with every output as data, whatever picture `model.json` makes of it. */
function inNumbers(definition: ModelDefinition): ModelDefinition {
  const outputs = definition.outputs.map(
    ({ tensor, batched }): DataOutputPort => ({
      role: "data",
      tensor,
      batched,
      dtype: "float32",
      activation: "none",
      labels: [],
      limit: 0,
    }),
  );
  return { ...definition, outputs, overlays: false, draws: false };
}

const refused = (problem: string): WorkerError =>
  new WorkerError("invalid_request", `the model ${problem}`);
