/** Tries a device for `doctor`: starts an engine on it, and runs every model in a stream of its own. */
import type { Config } from "../config.ts";
import type { FromEngine } from "../engine/protocol/messages.ts";
import type { ModelInfo } from "../engine/protocol/models.ts";
import type { StreamParams, StreamSpec } from "../engine/protocol/work.ts";
import { reason } from "../errors.ts";
import { TrickleServer } from "../trickle/server/trickle-server.ts";
import { engineOptions } from "./engines/engine-options.ts";
import { type EngineCommand, EngineProcess } from "./engines/engine-process.ts";
import { CLOCK_DEFAULTS } from "./streams/params.ts";

/** For one device and all its models. TensorRT builds an engine file for each model, which takes minutes. */
const TIMEOUT_MS = 300_000;
const END_TIMEOUT_MS = 5000;

/** The result of a trial. */
export interface DeviceReport {
  readonly device: string;
  /** Why the device cannot be used; null if it works. */
  readonly problem: string | null;
  readonly codecs: readonly string[];
  readonly models: readonly ModelInfo[];
}

/** Tries one device by name, such as `cpu` or `cuda:0`. Never throws: what fails is in the report. */
export async function tryDevice(
  device: string,
  config: Config,
  command: EngineCommand,
): Promise<DeviceReport> {
  using trickle = new TrickleServer({ autoCreate: true });
  await using channels = serveOnLoopback(trickle);
  const trial = new ModelTrial((model, number) => {
    const work = { spec: channels.spec(model), params: paramsFor(model), revision: 0 };
    engine.send({ type: "start", id: model, number, order: { kind: "stream", ...work } });
  });
  const engine = new EngineProcess({
    ...command,
    engine: {
      ...engineOptions(config),
      device,
      log_level: "error",
    },
    bootMs: TIMEOUT_MS,
    receive: (message) => {
      trial.receive(message);
      if (trial.isDecided) engine.send({ type: "stop", number: trial.number });
    },
    gone: ({ why }) => trial.fail(`its engine ended: ${why}`),
  });
  const timeout = setTimeout(() => trial.fail("its engine took more than 5 minutes"), TIMEOUT_MS);
  try {
    await trial.done;
    return { device, problem: null, codecs: trial.codecs, models: trial.models };
  } catch (error) {
    return { device, problem: reason(error), codecs: trial.codecs, models: trial.models };
  } finally {
    clearTimeout(timeout);
    await engine.end(AbortSignal.timeout(END_TIMEOUT_MS));
  }
}

/** Follows an engine's messages and starts a stream for one model after the other: only a run shows what executes it. */
class ModelTrial {
  codecs: readonly string[] = [];
  /** The model whose stream runs. */
  running: string | null = null;
  readonly #start: (model: string, number: number) => void;
  readonly #models = new Map<string, ModelInfo>();
  readonly #tried = new Set<string>();
  readonly #done = Promise.withResolvers<void>();

  constructor(start: (model: string, number: number) => void) {
    this.#start = start;
    this.#done.promise.catch(() => {}); // it may fail before anybody waits
  }

  /** Resolves when every model was tried; rejects where the engine cannot go on. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** The number of the stream that runs. */
  get number(): number {
    return this.#tried.size;
  }

  get models(): readonly ModelInfo[] {
    return [...this.#models.values()];
  }

  /** True once the model whose stream runs is ready or has failed. */
  get isDecided(): boolean {
    const state = this.#models.get(this.running ?? "")?.state;
    return state === "ready" || state === "failed";
  }

  receive(message: FromEngine): void {
    switch (message.type) {
      case "unfit":
        this.#done.reject(new Error(message.error.message));
        return;
      case "ready":
        this.codecs = message.codecs ?? [];
        for (const model of message.models) this.#models.set(model.name, model);
        break;
      case "model":
        this.#models.set(message.model.name, message.model);
        break;
      case "report":
        if (message.report.type !== "ended") return;
        this.#ended(message.report.id, message.report.error?.message ?? null);
        break;
      default:
        return;
    }
    this.#next();
  }

  fail(problem: string): void {
    const model = this.running === null ? "" : ` (while it ran model ${this.running})`;
    this.#done.reject(new Error(`${problem}${model}`));
  }

  /** A stream that fails is the failure of its model. */
  #ended(name: string, error: string | null): void {
    const model = this.#models.get(name);
    if (model && error !== null) this.#models.set(name, { ...model, state: "failed", error });
    this.running = null;
  }

  #next(): void {
    if (this.running !== null) return;
    const next = this.models.find(({ name, state }) => state === "cold" && !this.#tried.has(name));
    if (next !== undefined) {
      this.#tried.add(next.name);
      this.running = next.name;
      this.#start(next.name, this.number);
    } else if (!this.models.some(({ state }) => state === "warming")) {
      this.#done.resolve();
    }
  }
}

/** A trickle server on loopback, so that the whole path of a stream is tried. */
function serveOnLoopback(trickle: TrickleServer) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: (request) =>
      trickle.handle(request, new URL(request.url).pathname.slice(1), {
        address: "127.0.0.1",
        kind: "own",
        disconnect() {},
        answered() {},
      }),
  });
  return {
    spec: (model: string): StreamSpec => ({
      output: {
        endpoint: { url: new URL(encodeURIComponent(model), server.url).href },
        lifecycle: "owned",
      },
      container: "fmp4",
      segment_seconds: 1,
      audio: "none",
    }),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

const paramsFor = (model: string): StreamParams => ({
  ...CLOCK_DEFAULTS,
  prompts: [{ prompt: "a test" }],
  model,
});
