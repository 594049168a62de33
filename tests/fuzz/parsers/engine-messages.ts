/** Fuzzes a real engine with messages over its IPC: it ignores what is not one of them, and answers pings whatever came. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import fc from "fast-check";
import { engineEnvironment } from "../../../src/config.ts";
import type { EngineOptions } from "../../../src/engine/protocol/messages.ts";
import { MAIN } from "../../support/server-process.ts";
import { defineTarget } from "../fuzz.ts";
import { mutatedJson, wildValues } from "../mutated-json.ts";

/** Nothing listens there: no message makes an engine connect elsewhere. */
const NOWHERE = "http://127.0.0.1:9/ai/trickle/none";
const PARAMS = {
  prompts: [{ prompt: "a lake" }],
  model: "dreamscape",
  fit: "cover",
  paused: false,
  size: { width: 64, height: 64 },
  fps: 5,
  model_params: {},
};
const SPEC = { container: "fmp4", segment_seconds: 1, audio: "auto" };
const INPUT = {
  input: { url: NOWHERE },
  output: { endpoint: { url: NOWHERE }, lifecycle: "given" },
};
const RESUME = { seq: 3, pts: 90_000, size: { width: 64, height: 64 } };

const VALID: readonly Message[] = [
  {
    type: "start",
    id: "a",
    number: 1,
    order: { kind: "stream", spec: SPEC, params: PARAMS, revision: 0 },
  },
  {
    type: "start",
    id: "b",
    number: 2,
    order: {
      kind: "stream",
      spec: { ...SPEC, ...INPUT },
      params: PARAMS,
      revision: 1,
      resume: RESUME,
    },
  },
  { type: "start", id: "c", number: 3, order: { kind: "image", job: { params: PARAMS } } },
  { type: "update", number: 1, revision: 2, params: PARAMS, kept: [] },
  { type: "stop", number: 1 },
  {
    type: "ask",
    number: 1,
    question: { kind: "texts", model: "restyle", prompts: [], model_params: {} },
  },
  { type: "ask", number: 2, question: { kind: "model", model: "edges" } },
  { type: "ask", number: 3, question: { kind: "pipeline", number: 1 } },
  { type: "ask", number: 4, question: { kind: "fallback", name: "x" } },
  {
    type: "ask",
    number: 5,
    question: {
      kind: "graphs",
      size: { width: 64, height: 64 },
      graphs: ['{"1":{"class_type":"PreviewImage","inputs":{}}}'],
      use: { kind: "stream", hasInput: true },
    },
  },
  { type: "models", number: 1 },
];
const NAMES = ["type", "number", "id", "order", "question", "kind", "params", "spec", "revision"];

type Message = Readonly<Record<string, unknown>>;

export const engineMessages = defineTarget<unknown>({
  name: "engine-messages",
  inputs: "messages of the server to a real engine: changed, foreign, of any type and size",
  found: [],
  limitMs: 10_000,
  open: async () => {
    const workspace = await mkdtemp(join(tmpdir(), "fuzz-engine-"));
    const engine = await Engine.start(workspace);
    return {
      inputs: fc.oneof(
        { weight: 8, arbitrary: mutatedJson(VALID, { names: NAMES }) },
        { weight: 1, arbitrary: wildValues },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            Number.NaN,
            { type: 1n },
            new Date(Number.NaN),
            new Map(),
            new Uint8Array(9),
          ),
        },
        {
          weight: 1,
          arbitrary: fc.integer({ min: 1, max: 400_000 }).map((n) => ({ type: "x".repeat(n) })),
        },
      ),
      check: async (message) => await engine.take(harmless(message ?? null)),
      pid: engine.pid,
      close: async () => {
        await engine[Symbol.asyncDispose]();
        await rm(workspace, { recursive: true });
      },
    };
  },
});

/** The message with every address leading nowhere, and without the order to end. */
function harmless(message: unknown): unknown {
  if (typeof message !== "object" || message === null) return message;
  if (Reflect.get(message, "type") === "shutdown") return { ...message, type: "shut" };
  return withoutAddresses(message);
}

function withoutAddresses(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAddresses);
  if (
    typeof value !== "object" ||
    value === null ||
    Object.getPrototypeOf(value) !== Object.prototype
  )
    return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      if (key === "address") return [key, "127.0.0.1"];
      return [key, key === "url" && typeof part === "string" ? NOWHERE : withoutAddresses(part)];
    }),
  );
}

/** A real engine process, as the server starts it. */
class Engine implements AsyncDisposable {
  readonly #child: Subprocess<"ignore", "ignore", "ignore">;
  #awaited = "";
  #answer = Promise.withResolvers<void>();

  static async start(workspace: string): Promise<Engine> {
    const engine = new Engine();
    await engine.#until("hello");
    const options: EngineOptions = {
      device: "cpu",
      workspace,
      frame_queue: 1,
      max_frame_age_ms: 500,
      max_batch: 1,
      log_level: "error",
      log_format: "json",
    };
    const ready = engine.#until("ready");
    engine.#child.send({ type: "init", options });
    await ready;
    return engine;
  }

  private constructor() {
    this.#child = Bun.spawn([process.execPath, MAIN, "engine"], {
      env: engineEnvironment(),
      stdio: ["ignore", "ignore", "ignore"],
      serialization: "advanced",
      ipc: (message: { readonly type: string }) => {
        if (message.type === this.#awaited) this.#answer.resolve();
      },
      onExit: (_, code, signal) =>
        this.#answer.reject(new Error(`the engine died: ${signal ?? `exit code ${code}`}`)),
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Hands a message over, and ends what it may have begun. */
  async take(message: unknown): Promise<void> {
    const answered = this.#until("pong");
    this.#child.send(message);
    for (const number of [1, 2, 3, Reflect.get(Object(message), "number")])
      if (Number.isInteger(number)) this.#child.send({ type: "stop", number });
    this.#child.send({ type: "ping" });
    await answered;
  }

  #until(type: string): Promise<void> {
    this.#awaited = type;
    this.#answer = Promise.withResolvers();
    return this.#answer.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#answer.promise.catch(() => {}); // it is ended on purpose
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}
