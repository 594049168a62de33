/** The engine process: receives orders, runs them as work, reports. Ends with its parent. */
import { toPlainError } from "../errors.ts";
import { configureLogging, getLogger } from "../log.ts";
import { trickleAnswers } from "../trickle/client/answer-counts.ts";
import { openRequests } from "../trickle/client/request.ts";
import { type AnswerOptions, answerTo } from "./answer.ts";
import { quietLibav } from "./codec/libav.ts";
import { decodableCodecs } from "./codec/video-decoder.ts";
import { hasEncoder } from "./codec/video-encoder.ts";
import { probeDeadlineMs, resolveDevice } from "./device/device-check.ts";
import { ModelHost } from "./device/model-host.ts";
import type { ProgramWorker } from "./device/program-worker.ts";
import { dieWithParent } from "./die-with-parent.ts";
import { EngineMeter } from "./metrics/engine-meter.ts";
import { ModelCatalogue } from "./models/catalogue.ts";
import { CallJournal, ENGINE, JOURNAL_BYTES } from "./protocol/call-journal.ts";
import type { EngineOptions, FromEngine, ToEngine } from "./protocol/messages.ts";
import { receivedMessage } from "./received-message.ts";
import { trimMemoryRegularly } from "./trim-memory.ts";
import { LiveWork } from "./work/live-work.ts";

const log = getLogger("engine");

type Send = (message: FromEngine) => void;

const STATS_MS = 1000;
/** Reading the workspace and everything else before `ready`, but for the trial of the device. */
const BOOT_DEADLINE_MS = 30_000;

/**
 * Runs until the server sends `shutdown` or is gone. Must be a child process with an IPC channel.
 *
 * @param worker tries the device, and then takes the first model
 */
export async function runEngine(worker: ProgramWorker): Promise<void> {
  const send: Send = (message) => {
    process.send?.(message);
  };
  const init = Promise.withResolvers<EngineOptions>();
  let engine: Engine | null = null;
  dieWithParent();
  trimMemoryRegularly();
  process.on("disconnect", () => process.exit(0));
  // Terminals and supervisors signal whole groups: the server decides when its engines end.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
  process.on("message", (raw: unknown) => {
    const message = receivedMessage(raw, send);
    if (message === null) return;
    if (message.type === "init") init.resolve(message.options);
    else if (message.type === "ping") send(engine?.census() ?? EMPTY);
    else if (engine !== null) engine.receive(message);
    else if (message.type === "shutdown") process.exit(0); // nothing has been started yet
  });
  const journal = openJournal();
  send({ type: "hello" });

  const options = await init.promise;
  await configureLogging(options.log_level, options.log_format);
  try {
    engine = await Engine.start(options, { worker, journal, send });
  } catch (error) {
    const { kind, message } = toPlainError(error);
    if (kind !== "device_unavailable") {
      log.error("engine cannot start", { error: message });
      process.exit(1);
    }
    send({ type: "unfit", error: { kind, message } });
    return;
  }
  send({ type: "ready", models: engine.host.infos(), codecs: codecs() });
  await engine.closed;
  process.exit(0);
}

const EMPTY: FromEngine = { type: "pong", live: { streams: 0, frames: 0, requests: 0 } };

/** In the memory that the server passes as file descriptor 3; in this process's own where it passes none. */
function openJournal(): CallJournal {
  try {
    return new CallJournal(Bun.mmap("/proc/self/fd/3", { shared: true }));
  } catch {
    return new CallJournal(new Uint8Array(JOURNAL_BYTES)); // all work in flight is then unknown to the server
  }
}

const codecs = (): string[] => [
  ...decodableCodecs().map((name) => `decode ${name}`),
  ...(hasEncoder() ? ["encode h264 (libx264)"] : []),
];

/** What an engine has before it is ready. */
interface EngineParts {
  readonly worker: ProgramWorker;
  readonly journal: CallJournal;
  readonly send: Send;
}

class Engine {
  readonly host: ModelHost;
  readonly closed: Promise<void>;
  readonly #close: () => void;
  readonly #catalogue: ModelCatalogue;
  readonly #meter = new EngineMeter();
  readonly #work: LiveWork;
  readonly #answering: AnswerOptions;
  readonly #send: Send;
  readonly #timer: ReturnType<typeof setInterval>;

  /** Proves the device and reads the models. Throws `device_unavailable`. */
  static async start(options: EngineOptions, parts: EngineParts): Promise<Engine> {
    const { worker, journal } = parts;
    quietLibav();
    let device: string;
    {
      using _probe = journal.begin(ENGINE, "probe", probeDeadlineMs(options.device));
      device = (await resolveDevice(options.device, worker)).name;
    }
    using _boot = journal.begin(ENGINE, "boot", BOOT_DEADLINE_MS);
    const catalogue = await ModelCatalogue.open(options.workspace);
    return new Engine({ ...options, device }, catalogue, parts);
  }

  private constructor(
    options: EngineOptions,
    catalogue: ModelCatalogue,
    { worker, journal, send }: EngineParts,
  ) {
    const meter = this.#meter;
    const calls = journal.callsOf(ENGINE);
    this.#catalogue = catalogue;
    this.#send = send;
    const host = new ModelHost({
      catalogue,
      device: options.device,
      maxBatch: options.max_batch,
      memoryLimit: options.model_memory,
      comfyuiUrl: options.comfyui_url,
      calls,
      spare: worker,
      onChange: (model) => send({ type: "model", model }),
      onLoaded: (load) => meter.modelLoaded(load),
    });
    const work = new LiveWork({ host, engine: options, journal, meter, send });
    this.host = host;
    this.#work = work;
    this.#answering = { catalogue, host, workspace: options.workspace, calls, work };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#close = resolve;
    this.#timer = setInterval(() => this.#reportFigures(), STATS_MS);
  }

  receive(message: Exclude<ToEngine, { type: "init" | "ping" }>): void {
    switch (message.type) {
      case "start":
        this.#work.start(message);
        break;
      case "update":
        this.#work.update(message);
        break;
      case "stop":
        this.#work.stop(message.number);
        break;
      case "models":
        void this.#listModels(message.number);
        break;
      case "ask":
        void this.#answer(message);
        break;
      case "shutdown":
        void this.#shutdown();
        break;
      default:
        message satisfies never;
    }
  }

  census(): FromEngine {
    return { type: "pong", live: { ...this.#work.census, requests: openRequests() } };
  }

  async #listModels(number: number): Promise<void> {
    await this.#catalogue.refresh();
    this.#send({ type: "models", number, models: this.host.infos() });
  }

  async #answer({ number, question }: Extract<ToEngine, { type: "ask" }>): Promise<void> {
    try {
      const value = await answerTo(question, this.#answering);
      this.#send({ type: "answer", number, value });
    } catch (error) {
      this.#send({ type: "answer", number, value: null, error: toPlainError(error) });
    }
  }

  #reportFigures(): void {
    this.#work.reportStats();
    const memory = {
      resident_bytes: process.memoryUsage.rss(),
      model_bytes: this.host.modelBytes,
    };
    const metrics = this.#meter.take(trickleAnswers, memory);
    this.#send({ type: "metrics", metrics });
  }

  async #shutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.#work.end();
    await this.host[Symbol.asyncDispose]();
    this.#close();
  }
}
