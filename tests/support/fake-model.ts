/** A loaded model without a thread: it records its runs, and gives what the test says. */
import type {
  InferenceJob,
  InferenceResult,
  LoadedModel,
} from "../../src/engine/device/loaded-model.ts";
import type { ModelDefinition } from "../../src/engine/models/definition.ts";
import { inputSize } from "../../src/engine/models/definition.ts";
import type { Size } from "../../src/engine/protocol/work.ts";

type Answer = (job: InferenceJob) => Promise<InferenceResult> | InferenceResult;

/** Gives its input back. */
const echo: Answer = ({ picture }) => ({ picture, data: {}, inferenceMs: 1 });

export class FakeModel implements LoadedModel {
  readonly executionProvider = "CPUExecutionProvider";
  readonly definition: ModelDefinition;
  readonly runs: InferenceJob[] = [];
  readonly forgotten: string[] = [];
  lost = false;
  outdated = false;
  answer: Answer;

  constructor(definition: ModelDefinition, answer: Answer = echo) {
    this.definition = definition;
    this.answer = answer;
  }

  isLost(): boolean {
    return this.lost;
  }

  isOutdated(): boolean {
    return this.outdated;
  }

  reloadError(): null {
    return null;
  }

  inputSize(source: Size): Size {
    return inputSize(this.definition, source);
  }

  async run(job: InferenceJob): Promise<InferenceResult> {
    this.runs.push(job);
    return await this.answer(job);
  }

  markUsed(): void {}

  forget(lane: string): void {
    this.forgotten.push(lane);
  }
}
