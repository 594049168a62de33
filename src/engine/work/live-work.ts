/** Holds the streams and pictures of an engine by number: starts and stops them, and counts those that are not released yet. */
import { WorkerError } from "../../errors.ts";
import { getLogger, logId, withStreamLog } from "../../log.ts";
import type { ModelHost } from "../device/model-host.ts";
import type { EngineMeter } from "../metrics/engine-meter.ts";
import type { CallJournal } from "../protocol/call-journal.ts";
import type { PipelineDebug } from "../protocol/debug.ts";
import type { EngineOptions, FromEngine, ToEngine } from "../protocol/messages.ts";
import type { EngineWork, Send } from "./engine-work.ts";
import { ImageWork } from "./image-work.ts";
import { StreamWork } from "./stream-work.ts";

const log = getLogger("engine");

type Start = Extract<ToEngine, { type: "start" }>;
type Update = Extract<ToEngine, { type: "update" }>;

export interface LiveWorkOptions {
  readonly host: ModelHost;
  readonly engine: EngineOptions;
  readonly journal: CallJournal;
  readonly meter: EngineMeter;
  readonly send: (message: FromEngine) => void;
}

export class LiveWork {
  readonly #options: LiveWorkOptions;
  /** Work that has not reported its end, by number. */
  readonly #live = new Map<number, EngineWork>();
  /** Work that holds something, with the promise of its release. */
  readonly #unreleased = new Map<EngineWork, Promise<void>>();

  constructor(options: LiveWorkOptions) {
    this.#options = options;
  }

  /** The work that holds something: how many streams, and their native frames. */
  get census(): { readonly streams: number; readonly frames: number } {
    const unreleased = [...this.#unreleased.keys()];
    return {
      streams: unreleased.filter((work) => work instanceof StreamWork).length,
      frames: unreleased.reduce((sum, { frames }) => sum + frames, 0),
    };
  }

  start(message: Start): void {
    const { id, number, order } = message;
    const work = this.#workOf(message);
    this.#live.set(number, work);
    const released = withStreamLog(id, () => work.run()).then(() => {
      this.#unreleased.delete(work);
    });
    this.#unreleased.set(work, released);
    log.debug("work starts", { stream: logId(id), kind: order.kind });
  }

  /** Like `stop`, does nothing once the work has ended. */
  update(message: Update): void {
    this.#live.get(message.number)?.update(message);
  }

  stop(number: number): void {
    this.#live.get(number)?.stop();
  }

  /** Throws for work that has ended, and for pictures. */
  pipelineOf(number: number): PipelineDebug {
    const work = this.#live.get(number);
    if (work instanceof StreamWork) return work.debug();
    throw new WorkerError("stream_not_found", "the stream has not started or has ended");
  }

  reportStats(): void {
    for (const [number, work] of this.#live) {
      const stats = work.stats();
      const { id } = work;
      if (stats !== null)
        this.#options.send({ type: "report", number, report: { type: "stats", id, stats } });
    }
  }

  /** Stops everything; resolves when all that it held is released. */
  async end(): Promise<void> {
    for (const work of this.#live.values()) work.stop();
    await Promise.all(this.#unreleased.values());
  }

  #workOf({ id, number, order }: Start): EngineWork {
    const { host, engine, journal, meter } = this.#options;
    let isOver = false;
    const send: Send = (report) => {
      if (isOver) return; // work that was cut off finishes in silence
      if (report.type === "ended") {
        isOver = true;
        this.#live.delete(number);
      }
      this.#options.send({ type: "report", number, report });
    };
    const common = { id, host, calls: journal.callsOf(number), send };
    return order.kind === "image"
      ? new ImageWork({ ...common, job: order.job })
      : new StreamWork({ ...common, ...order, engine, meter });
  }
}
