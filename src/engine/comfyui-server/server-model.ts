/** The model that stands for all graphs that ComfyUI runs for streams, or for pictures. Its runs do not occupy the device. */
import { WorkerError } from "../../errors.ts";
import {
  COMFYUI_PROVIDER,
  type InferenceJob,
  type InferenceResult,
  type LoadedModel,
} from "../device/loaded-model.ts";
import { inputSize, type ModelDefinition } from "../models/definition.ts";
import { graphsIn } from "../models/run-values.ts";
import type { GraphUse, Size } from "../protocol/work.ts";
import type { ComfyConnection } from "./connection.ts";
import { ServerLane } from "./server-lane.ts";

export class ServerModel implements LoadedModel {
  readonly executionProvider = COMFYUI_PROVIDER;
  readonly definition: ModelDefinition;
  readonly #connection: ComfyConnection;
  readonly #kind: GraphUse["kind"];
  readonly #lanes = new Map<string, ServerLane>();

  constructor(definition: ModelDefinition, connection: ComfyConnection, kind: GraphUse["kind"]) {
    this.definition = definition;
    this.#connection = connection;
    this.#kind = kind;
  }

  /** Until the next one that acquires it has connected. */
  isLost(): boolean {
    return !this.#connection.isOpen;
  }

  isOutdated(): boolean {
    return false;
  }

  reloadError(): null {
    return null;
  }

  inputSize(source: Size): Size {
    return inputSize(this.definition, source);
  }

  async run(job: InferenceJob): Promise<InferenceResult> {
    const graphs = graphsIn(job.values);
    if (graphs === null) throw new WorkerError("internal", "a run without graphs");
    return await this.#lane(job.lane).run(job, graphs);
  }

  markUsed(): void {}

  abandon(lane: string): void {
    this.#lanes.get(lane)?.abandon();
  }

  forget(lane: string): void {
    this.#lanes.get(lane)?.[Symbol.dispose]();
    this.#lanes.delete(lane);
  }

  #lane(name: string): ServerLane {
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const made = new ServerLane(this.#connection, this.#kind);
    this.#lanes.set(name, made);
    return made;
  }
}
