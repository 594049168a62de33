/** Runs models of the workspace, each one network with a `model.json`, as nodes of a graph. Used in workers. */
import { basename, dirname } from "node:path";
import { WorkerError } from "../../../errors.ts";
import type { Picture } from "../../../media/picture.ts";
import type { SessionSettings } from "../../device/devices.ts";
import type { RunOutput } from "../../device/worker/calls.ts";
import { OnnxProgram } from "../../device/worker/onnx-program.ts";
import { ROLES } from "../../models/define-model.ts";
import { inputSize, type ModelDefinition } from "../../models/definition.ts";
import { readModelFolder } from "../../models/model-folder.ts";
import type { DataOutputPort } from "../../models/roles/data-output.ts";
import { valuesOf } from "../../models/run-values.ts";
import { encodePrompts } from "../../prompts/lexicon.ts";
import type { ParamValues } from "../../protocol/models.ts";
import type { Prompt, Size } from "../../protocol/work.ts";

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

  /** Throws `model_failed` for a folder that cannot be used, and `invalid_request` for a model that no node can run. */
  static async open(
    folder: string,
    reading: FolderReading,
    settings: SessionSettings,
  ): Promise<FolderModel> {
    const entry = await readModelFolder(dirname(dirname(folder)), basename(folder));
    if (entry === null) throw new WorkerError("unknown_model", "its folder is gone");
    if (entry.state === "broken") throw entry.error;
    const { program } = entry;
    if (!("path" in program)) throw refused("is a pipeline: use the loaders for its parts");
    const definition = reading === "as described" ? entry.definition : inNumbers(entry.definition);
    const ports = [...definition.inputs, ...definition.outputs];
    if (ports.some(({ role }) => isRecurrent(role))) {
      throw refused(
        "remembers earlier frames, which nodes do not: make it the model of the stream",
      );
    }
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
    const values = valuesOf(this.definition, {
      ...{ params, prompts, size, outputSize: size, timeSeconds: 0, graphs: [] },
      sum: () => 0,
      text: () => encodePrompts(prompts),
      upstream: () => null,
      picture: () => null,
    });
    const item = { lane: "", picture, original: picture, size, values };
    const [output] = await this.#program.run([item]);
    if (output === undefined) throw new Error("the model gave nothing");
    return output;
  }

  async release(): Promise<void> {
    await this.#program.release();
  }
}

/** The definition with every output as data, whatever picture `model.json` makes of it. */
function inNumbers(definition: ModelDefinition): ModelDefinition {
  const outputs = definition.outputs.map(
    ({ tensor, batched }): DataOutputPort => ({
      ...{ role: "data", tensor, batched, dtype: "float32", activation: "none" },
      ...{ labels: [], limit: 0 },
    }),
  );
  return { ...definition, outputs, overlays: false, draws: false };
}

const isRecurrent = (role: string): boolean =>
  (ROLES.inputs[role] ?? ROLES.outputs[role])?.isRecurrent === true;

const refused = (problem: string): WorkerError =>
  new WorkerError("invalid_request", `the model ${problem}`);
