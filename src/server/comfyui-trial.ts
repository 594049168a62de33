/** Examines the operator's ComfyUI for `doctor`, through an engine: only engines talk to it. */
import type { Config } from "../config.ts";
import { ComfyReport } from "../engine/protocol/comfyui-report.ts";
import { check } from "../schema-check.ts";
import { engineOptions } from "./engines/engine-options.ts";
import { type EngineCommand, EngineProcess } from "./engines/engine-process.ts";

const TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 5000;

/** Null without COMFYUI_URL. Never throws: what fails is in the report. */
export async function examineComfyUi(
  config: Config,
  command: EngineCommand,
): Promise<ComfyReport | null> {
  const { comfyuiUrl } = config;
  if (comfyuiUrl === undefined) return null;
  const answered = Promise.withResolvers<ComfyReport>();
  const fail = (problem: string) =>
    answered.resolve({
      label: "the ComfyUI at COMFYUI_URL",
      version: null,
      devices: [],
      problems: [problem],
    });
  const engine = new EngineProcess({
    ...command,
    engine: {
      ...engineOptions(config),
      device: "cpu",
      comfyui_url: comfyuiUrl,
      log_level: "error",
    },
    bootMs: TIMEOUT_MS,
    receive: (message) => {
      if (message.type === "ready") {
        engine.send({ type: "ask", number: 1, question: { kind: "comfyui" } });
      } else if (message.type === "answer") {
        const { value, error } = message;
        if (check(ComfyReport).Check(value)) answered.resolve(value as ComfyReport);
        else fail(error?.message ?? "the engine gave no report");
      } else if (message.type === "unfit") fail(`no engine runs here: ${message.error.message}`);
    },
    gone: ({ why }) => fail(`the engine ended: ${why}`),
  });
  const timeout = setTimeout(() => fail("the engine did not answer"), TIMEOUT_MS);
  try {
    return await answered.promise;
  } finally {
    clearTimeout(timeout);
    await engine.end(AbortSignal.timeout(END_TIMEOUT_MS));
  }
}
