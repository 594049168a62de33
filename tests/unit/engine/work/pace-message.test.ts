import { expect, test } from "bun:test";
import { behindMessage } from "../../../../src/engine/work/pace-message.ts";

const stats = (execution_provider: string) => ({
  fps_in: 24,
  fps_out: 3,
  model: "paint",
  execution_provider,
  inference_ms: { p50: 300, p95: 310, p99: 320 },
});

test.each([
  ["CPUExecutionProvider", 300, "a run of paint takes 300 ms); ask for a smaller size"],
  ["CPUExecutionProvider", 12_300, "paint has finished no run for 12 s); ask for a smaller size"],
  ["ComfyUI", 300, "a run in the ComfyUI at COMFYUI_URL takes 300 ms); see what else"],
  ["ComfyUI", 12_300, "the ComfyUI at COMFYUI_URL has finished no run for 12 s); see what else"],
])("with %s and %d ms without a run, %s", (provider, silentMs, said) => {
  const message = behindMessage(stats(provider), silentMs);
  expect(message).toStartWith("it does not keep up: most of its frames are dropped (3 of 24 ");
  expect(message).toContain(said);
});
