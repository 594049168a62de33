/** Declares what the catalogue knows of a name: a model that can be loaded, or a folder that is none and why. */
import type { WorkerError } from "../../errors.ts";
import type { ModelDefinition } from "./definition.ts";
import type { ProgramSource } from "./onnx-source.ts";

interface Origin {
  readonly name: string;
  /** `built-in` or the folder's path below the workspace. */
  readonly source: string;
  /** Differs whenever a file of the model has changed. */
  readonly stamp: string;
  /** Paths of the model's files inside the folder, besides `model.json` and what ends in `.onnx` directly in it. */
  readonly files: readonly string[];
}

/** A model that can be loaded. */
export interface UsableModel extends Origin {
  readonly state: "usable";
  readonly definition: ModelDefinition;
  readonly program: ProgramSource;
  /** Of its files: about what it takes in memory. */
  readonly bytes: number;
}

/** A folder that cannot be used as it is. */
export interface BrokenModel extends Origin {
  readonly state: "broken";
  readonly error: WorkerError;
}

/** A folder that is no model by itself: graphs load networks of it, as parts of a pipeline. */
export interface PartsFolder extends Origin {
  readonly state: "parts";
  /** For requests that name it as their model. */
  readonly error: WorkerError;
}

export type CatalogueEntry = UsableModel | BrokenModel | PartsFolder;
