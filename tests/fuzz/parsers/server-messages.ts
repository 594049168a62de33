/** Fuzzes a real server with messages of an engine: it ignores what is not one of them, and goes on serving. */
import fc from "fast-check";
import type { FromEngine } from "../../../src/engine/protocol/messages.ts";
import { FAKE_SERVER, startServer } from "../../support/server-process.ts";
import { model } from "../../support/stand-in-models.ts";
import { waitFor } from "../../support/wait-for.ts";
import { defineTarget } from "../fuzz.ts";
import { mutatedJson, wildValues } from "../mutated-json.ts";

/** The fake engine puts the number and the id of the stream that asks for the message in place of these. */
const [NUMBER, ID] = [1, "x"];
/** Nothing listens there, and the fake engine connects to nothing. */
const NOWHERE = "http://127.0.0.1:9/ai/trickle/none";
const SIZE = { width: 64, height: 64 };
const NONE = { p50: null, p95: null, p99: null };
const COUNTS = {
  frames_in: 1,
  frames_out: 1,
  frames_dropped: 0,
  frames_processed: 1,
  frames_fallback: 0,
  errors: 0,
  megapixels_out: 0.5,
  segments_out: 1,
  segments_skipped: 0,
  bytes_in: 9,
  bytes_out: 9,
};
const STATS = {
  ...COUNTS,
  consecutive_errors: 0,
  fps_in: 24,
  fps_out: 24,
  audio_fps_in: 0,
  audio_fps_out: 0,
  latency_ms: NONE,
  latency_counts: [0, 1],
  inference_ms: NONE,
  model: "restyle",
  device: "cpu",
  execution_provider: "cpu",
};
const ERROR = {
  kind: "model_failed",
  message: "made up",
  details: [{ field: "model", problem: "x" }],
} as const;

type Report = Extract<FromEngine, { type: "report" }>["report"];
const REPORTS: readonly Report[] = [
  { type: "started", id: ID },
  { type: "size", id: ID, ...SIZE },
  { type: "stats", id: ID, stats: STATS },
  { type: "checkpoint", id: ID, checkpoint: { seq: 5, pts: 90_000, size: SIZE, audio: null } },
  { type: "updated", id: ID, revision: 0 },
  { type: "refused", id: ID, revision: 1 },
  { type: "trouble", id: ID, error: ERROR },
  { type: "recovered", id: ID },
  { type: "showing", id: ID, output: "fallback", reason: "loading" },
  { type: "data", id: ID, seconds: 1, model: "restyle", values: { n: [1, 2], s: { a: null } } },
  { type: "finished", id: ID },
  { type: "ended", id: ID, error: ERROR },
];
const VALID: readonly FromEngine[] = [
  ...REPORTS.map((report): FromEngine => ({ type: "report", number: NUMBER, report })),
  { type: "hello" },
  { type: "ready", models: [model("restyle"), model("dreamscape")], codecs: ["h264"] },
  { type: "model", model: model("restyle") },
  { type: "models", number: 1, models: [model("restyle"), model("dreamscape")] },
  { type: "answer", number: 1, value: [], error: ERROR },
  { type: "pong", live: { streams: 1, frames: 0, requests: 0 } },
];
const NAMES = [
  "type",
  "number",
  "id",
  "report",
  "stats",
  "models",
  "error",
  "values",
  "checkpoint",
];

export const serverMessages = defineTarget<readonly unknown[]>({
  name: "server-messages",
  inputs: "messages of an engine to a real server with a stream: changed, foreign, of any type",
  found: [
    {
      what: "an engine that reports a count below 0 made every list of streams a 500",
      test: ["unit/engine/protocol/check-message.test.ts", "a stream's %s is no less than 0"],
    },
  ],
  limitMs: 20_000,
  open: async () => {
    const server = await startServer(FAKE_SERVER, [
      "--max-streams",
      "4",
      "--allow-hosts",
      "127.0.0.1",
    ]);
    const message = fc.oneof(
      { weight: 6, arbitrary: mutatedJson(VALID, { names: NAMES, maxEdits: 3 }) },
      { weight: 1, arbitrary: wildValues },
    );
    const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
      const answer = await fetch(`${server.url}${path}`, init);
      // An engine may say why a stream does not start, in kinds that stand for 5xx.
      if (answer.status >= 500 && codeOf(await answer.clone().json()) === "internal")
        throw new Error(`${path.replace(/[0-9a-f-]{36}/, "…")} answers ${answer.status}`);
      return answer;
    };
    return {
      inputs: fc.array(message, { minLength: 1, maxLength: 4 }),
      pid: server.pid,
      check: async (messages) => {
        const prompts = `say ${JSON.stringify(messages.map((one) => one ?? null))}`;
        const body = JSON.stringify({ model: "dreamscape", prompts, stream_url: NOWHERE });
        const started = await ask("/stream/start", { method: "POST", body });
        const { manifest_id: id } = (await started.json()) as { readonly manifest_id?: string };
        for (const path of [`/stream/${id}/status`, "/streams", "/models", "/metrics"])
          await (await ask(path)).text();
        await (await ask(`/stream/${id}`, { method: "DELETE" })).text();
      },
      settle: async () => {
        await waitFor("a healthy server", async () => (await ask("/health")).ok);
      },
      close: async () => await server[Symbol.asyncDispose](),
    };
  },
});

const codeOf = (body: unknown): unknown => Reflect.get(Object(body), "code");
