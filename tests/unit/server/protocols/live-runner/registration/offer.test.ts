import { expect, test } from "bun:test";
import { readConfig } from "../../../../../../src/config.ts";
import type { ModelInfo } from "../../../../../../src/engine/protocol/models.ts";
import {
  batchApp,
  gpuOf,
  heartbeatBody,
  runnerBaseUrl,
  runnerUrlDoubts,
  shownBaseUrl,
  streamMetadata,
} from "../../../../../../src/server/protocols/live-runner/registration/offer.ts";
import { INPUT_DEFAULTS } from "../../../../../../src/server/streams/params.ts";

const model = (presets: readonly string[]): ModelInfo => ({
  name: INPUT_DEFAULTS.model,
  description: "",
  source: "built-in",
  license: "",
  state: "ready",
  takes_video: true,
  needs_video: true,
  takes_prompts: false,
  device: "cpu",
  params: [],
  presets: Object.fromEntries(presets.map((name) => [name, {}])),
  data: [],
});

test("metadata is compact JSON of at most 1024 bytes: presets are left out before anything else", () => {
  const few = JSON.parse(streamMetadata([model(["soft", "loud"])]));
  expect(few).toMatchObject({ model: INPUT_DEFAULTS.model, presets: ["soft", "loud"] });
  expect(Object.keys(few).sort()).toEqual([
    "inputs",
    "model",
    "outputs",
    "policy",
    "presets",
    "surfaces",
  ]);
  const many = Array.from({ length: 200 }, (_, n) => `größe-${n}`);
  const text = streamMetadata([model(many)]);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024);
  expect(Buffer.byteLength(text)).toBeGreaterThan(1000);
  const { presets, ...facts } = JSON.parse(text);
  expect(presets).toEqual(many.slice(0, presets.length));
  expect(Object.keys(facts)).toHaveLength(5);
  expect(JSON.parse(streamMetadata([]))).not.toHaveProperty("presets");
  expect(JSON.parse(streamMetadata([model(["x".repeat(2000)])]))).not.toHaveProperty("presets");
});

test("the GPU is that of the first device, and absent on a CPU", () => {
  const gpu = (name: string) => ({
    id: `GPU-${name}`,
    name,
    memory_total: 24 * 1024 ** 3 + 1,
    memory_free: 0,
    major: 8,
    minor: 9,
    utilization_compute: 0,
    utilization_memory: 0,
  });
  const gpus = [gpu("NVIDIA A10"), gpu("NVIDIA L4")];
  const second = { id: "GPU-NVIDIA L4", name: "NVIDIA L4", vram_mb: 24_576 };
  expect(gpuOf(["cuda:1", "cuda:0"], gpus)).toEqual(second);
  expect(gpuOf(["tensorrt:1"], gpus)).toEqual(second);
  expect(gpuOf(["cpu", "cuda:0"], gpus)).toBeNull();
  expect(gpuOf(["cuda:0"], [])).toBeNull();
});

test.each([
  [0, 1],
  [2.9, 2],
  [100_000, 10_000],
])("a capacity of %d is advertised as %d", (capacity, advertised) => {
  const facts = {
    app: "a",
    mode: "persistent" as const,
    label: undefined,
    version: "1",
    proxy: false,
    price: 0,
    priceUnit: "hour",
  };
  const body = heartbeatBody(facts, {
    runnerId: "r",
    runnerUrl: "http://w",
    capacity,
    status: "ready",
    sessionIds: [],
    gpu: null,
    metadata: "",
  });
  expect(body.capacity).toBe(advertised);
  expect(body).not.toHaveProperty("gpu");
  expect(body).not.toHaveProperty("label");
});

const doubts = (env: Record<string, string>) =>
  runnerUrlDoubts(readConfig([], { ORCH_URL: "http://orch:8935", ...env }));

test("RUNNER_URL falls back to CAPABILITY_URL, then to this server's own URL", () => {
  const base = (env: Record<string, string>) =>
    runnerBaseUrl(readConfig([], env), "http://localhost:5000");
  expect(base({})).toBe("http://localhost:5000");
  expect(base({ CAPABILITY_URL: "http://c:1/" })).toBe("http://c:1");
  expect(base({ CAPABILITY_URL: "http://c:1", RUNNER_URL: "http://r:2/x/" })).toBe("http://r:2/x");
});

test("what is doubtful about RUNNER_URL is said, as of CAPABILITY_URL, and so is https", () => {
  expect(doubts({})).toEqual([expect.stringMatching(/^RUNNER_URL is not set: set it/)]);
  expect(doubts({ RUNNER_URL: "http://127.0.0.1:5000" })).toEqual([
    expect.stringContaining("is reachable only from this machine"),
  ]);
  expect(doubts({ RUNNER_URL: "http://0.0.0.0:5000" })).toEqual([
    expect.stringContaining("is a wildcard address"),
  ]);
  expect(doubts({ RUNNER_URL: "https://worker:5000" })).toEqual([
    expect.stringMatching(/^RUNNER_URL https:\/\/worker:5000 is https: .* http:\/\/ needs none$/),
  ]);
  expect(doubts({ RUNNER_URL: "http://worker:5000" })).toEqual([]);
  expect(doubts({ RUNNER_URL: "http://worker:5000/base/" })).toEqual([
    expect.stringMatching(/^RUNNER_URL has the path \/base.*have the proxy at worker:5000 strip/),
  ]);
  expect(doubts({ ORCH_URL: "http://127.0.0.1:8935" })).toEqual([]);
});

test("logs show the base of runner URLs with its path and without credentials", () => {
  expect(shownBaseUrl("http://user:pass@worker:5000/base")).toBe("http://worker:5000/base");
  expect(shownBaseUrl("http://worker:5000")).toBe("http://worker:5000");
});

test("a batch capability is an app beside the stream's", () => {
  expect(batchApp("live-video-to-video/comfystream", "text-reversal")).toBe(
    "live-video-to-video/text-reversal",
  );
  expect(batchApp("restyle", "text-reversal")).toBe("restyle/text-reversal");
});
