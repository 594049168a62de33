/** Answers the server's questions: whether a stream can start or change as asked, and what the engine has and does. */
import type { ModelHost } from "./device/model-host.ts";
import type { ModelCatalogue } from "./models/catalogue.ts";
import { checkFallback } from "./plan/fallback-picture.ts";
import { judgeGraphs } from "./plan/judge-graphs.ts";
import { judgeTexts } from "./plan/judge-texts.ts";
import type { NativeCalls } from "./protocol/call-journal.ts";
import type { Question } from "./protocol/messages.ts";
import type { LiveWork } from "./work/live-work.ts";
import { checkModel } from "./work/preflight.ts";

export interface AnswerOptions {
  readonly catalogue: ModelCatalogue;
  readonly host: ModelHost;
  readonly workspace: string;
  readonly calls: NativeCalls;
  readonly work: Pick<LiveWork, "pipelineOf">;
}

/** The value of the answer: see `Question`. Throws the error to send as the answer. */
export async function answerTo(
  question: Question,
  { catalogue, host, workspace, calls, work }: AnswerOptions,
): Promise<unknown> {
  switch (question.kind) {
    case "graphs":
      return await judgeGraphs(question, host, calls);
    case "texts":
      return judgeTexts(question, catalogue);
    case "model":
      await checkModel(question.model, host);
      return [];
    case "fallback":
      await checkFallback(workspace, question.name, calls);
      return [];
    case "comfyui":
      return await host.examineComfyUi();
    case "pipeline":
      return work.pipelineOf(question.number);
    case "nodes":
      return await catalogue.graphs.nodes();
  }
}
