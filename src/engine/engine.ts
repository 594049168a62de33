/** The engine process: messages in, messages out. Ends with its parent. */
import { toPlainError, WorkerError } from "../errors.ts";
import { configureLogging, getLogger, logId, withStreamLog } from "../log.ts";
import { openRequests } from "../trickle/client/request.ts";
import { quietLibav } from "./codec/libav.ts";
import { decodableCodecs } from "./codec/video-decoder.ts";
import { hasEncoder } from "./codec/video-encoder.ts";
import { resolveDevice } from "./inference/device-check.ts";
import { ModelHost } from "./inference/model-host.ts";
import { ModelCatalogue } from "./models/catalogue.ts";
import type { EngineOptions, FromEngine, ToEngine } from "./protocol/messages.ts";
import type { ImageStep } from "./protocol/work.ts";
import { makeImage } from "./work/image-work.ts";
import { StreamWork } from "./work/stream-work.ts";

const log = getLogger("engine");

const STATS_MS = 1000;
/** What batch pictures are charged to at the device gate, all together: no stream has an empty id. */
const PICTURES = "";

/** Runs until the server says `shutdown` or is gone. Wants to be a child with an IPC channel. */
export async function runEngine(): Promise<void> {
  const send = (message: FromEngine): void => {
    process.send?.(message);
  };
  const inbox = Promise.withResolvers<EngineOptions>();
  let engine: Engine | null = null;
  process.on("disconnect", () => process.exit(0));
  // Terminals and supervisors signal whole groups: the server decides when its engines end.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
  process.on("message", (message: ToEngine) => {
    if (message.type === "init") inbox.resolve(message.options);
    else if (message.type === "ping") send(engine?.census() ?? STARTING);
    else engine?.receive(message);
  });
  send({ type: "hello" });

  const options = await inbox.promise;
  await configureLogging(options.log_level, options.log_format);
  try {
    engine = await Engine.start(options, send);
  } catch (error) {
    send({ type: "unfit", error: toPlainError(error) });
    return;
  }
  send({ type: "ready", models: engine.host.infos(), codecs: codecs() });
  await engine.closed;
  process.exit(0);
}

/** While a device is tried nothing else runs: a first CUDA context takes seconds. */
const STARTING: FromEngine = {
  type: "pong",
  quiet_ms: 60_000,
  live: { streams: 0, frames: 0, requests: 0 },
};

const codecs = (): string[] => [
  ...decodableCodecs().map((name) => `decode ${name}`),
  ...(hasEncoder() ? ["encode h264 (libx264)"] : []),
];

class Engine {
  readonly host: ModelHost;
  readonly closed: Promise<void>;
  readonly #close: () => void;
  readonly #options: EngineOptions;
  readonly #catalogue: ModelCatalogue;
  readonly #send: (message: FromEngine) => void;
  readonly #sessions = new Map<string, { session: StreamWork; ended: Promise<void> }>();
  readonly #jobs = new Map<string, { cancel: AbortController; ended: Promise<void> }>();
  readonly #timer: ReturnType<typeof setInterval>;

  /** Proves the device and reads the models. Throws `device_unavailable`. */
  static async start(options: EngineOptions, send: (message: FromEngine) => void): Promise<Engine> {
    quietLibav();
    const { name: device } = await resolveDevice(options.device);
    const catalogue = await ModelCatalogue.open(options.workspace);
    return new Engine({ ...options, device }, catalogue, send);
  }

  private constructor(
    options: EngineOptions,
    catalogue: ModelCatalogue,
    send: (message: FromEngine) => void,
  ) {
    this.#options = options;
    this.#catalogue = catalogue;
    this.#send = send;
    this.host = new ModelHost({
      catalogue,
      device: options.device,
      onChange: (model) => send({ type: "model", model }),
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#close = resolve;
    this.#timer = setInterval(() => this.#report(), STATS_MS);
  }

  receive(message: Exclude<ToEngine, { type: "init" | "ping" }>): void {
    switch (message.type) {
      case "start":
        this.#start(message);
        break;
      case "update":
        this.#sessions.get(message.id)?.session.update(message.params);
        break;
      case "stop":
        this.#sessions.get(message.id)?.session.stop();
        break;
      case "make":
        this.#make(message);
        break;
      case "cancel":
        this.#jobs.get(message.job)?.cancel.abort(new DOMException("job cancelled", "AbortError"));
        break;
      case "models":
        void this.#listModels();
        break;
      case "shutdown":
        void this.#shutdown();
        break;
      default:
        message satisfies never;
    }
  }

  census(): FromEngine {
    const sessions = [...this.#sessions.values()];
    return {
      type: "pong",
      quiet_ms: 0,
      live: {
        streams: sessions.length,
        frames: sessions.reduce((sum, { session }) => sum + session.frames, 0),
        requests: openRequests(),
      },
    };
  }

  #start({ id, spec, params, resume }: Extract<ToEngine, { type: "start" }>): void {
    const session = new StreamWork({
      id,
      spec,
      params,
      ...(resume && { resume }),
      host: this.host,
      engine: this.#options,
      send: this.#send,
    });
    const ended = withStreamLog(id, () => session.run()).then(() => {
      this.#sessions.delete(id);
    });
    this.#sessions.set(id, { session, ended });
    log.debug("stream starts", {
      stream: logId(id),
      model: params.model,
      resumed: resume !== undefined,
    });
  }

  #make({ job, image }: Extract<ToEngine, { type: "make" }>): void {
    const cancel = new AbortController();
    const answer = (outcome: Extract<FromEngine, { type: "image" }>["outcome"]): void => {
      this.#jobs.delete(job);
      this.#send({ type: "image", job, outcome });
    };
    const begins = (step: ImageStep): void => this.#send({ type: "step", job, step });
    const ended = makeImage(image, {
      host: this.host,
      key: PICTURES,
      signal: cancel.signal,
      begins,
    }).then(
      (result) => answer({ done: true, result }),
      (error) => answer({ done: false, error: toPlainError(error) }),
    );
    this.#jobs.set(job, { cancel, ended });
  }

  async #listModels(): Promise<void> {
    await this.#catalogue.refresh();
    this.#send({ type: "models", models: this.host.infos() });
  }

  #report(): void {
    for (const [id, { session }] of this.#sessions) {
      this.#send({ type: "stats", id, stats: session.stats() });
    }
  }

  async #shutdown(): Promise<void> {
    clearInterval(this.#timer);
    for (const { session } of this.#sessions.values()) session.stop();
    for (const { cancel } of this.#jobs.values()) cancel.abort(closing());
    const all = [...this.#sessions.values(), ...this.#jobs.values()];
    await Promise.all(all.map(({ ended }) => ended));
    await this.host[Symbol.asyncDispose]();
    this.#close();
  }
}

const closing = (): WorkerError =>
  new WorkerError("engine_unavailable", "the engine is closing: jobs are no longer run");
