/** The work of one supervisor: hands it to each of its engines, updates and stops it there, and delivers its reports. */
import type { WorkReport } from "../../engine/protocol/messages.ts";
import { paramsUpdate } from "../../engine/protocol/params-update.ts";
import type { StreamParams } from "../../engine/protocol/work.ts";
import type { PlainError } from "../../errors.ts";
import { getLogger, logId } from "../../log.ts";
import type { EngineDeath, EngineProcess } from "./engine-process.ts";
import type { Work } from "./work.ts";
import { type Blame, blame } from "./work-death.ts";

const log = getLogger("engine");

/** The engine itself cuts a stop short before that. Work that it still holds on to is left to it. */
const STOP_TIMEOUT_MS = 5000;

export interface PlacementsOptions {
  readonly device: string;
  /** The engine that takes work; null while there is none: work then waits for the next one. */
  readonly engine: () => Engine | null;
  /** The engine has delivered what it was asked for. */
  readonly delivered: () => void;
  /** Called after work was removed because it is over. */
  readonly ended: () => void;
}

type Engine = Pick<EngineProcess, "pid" | "send">;

interface Placed {
  readonly work: Work;
  /** What this work is called in messages to the current engine and in its journal; 0 before it is sent there. */
  number: number;
  /** Segments begun in the current engine. */
  segments: number;
  stopTimer: Timer | null;
  /** The parameters that the current engine has; null for pictures, whose parameters do not change. */
  params: StreamParams | null;
}

/** What others than the supervisor may do with its work. */
export type PlacementControl = Pick<
  Placements,
  "works" | "size" | "start" | "update" | "stop" | "withdraw" | "fail"
>;

export class Placements {
  readonly #options: PlacementsOptions;
  readonly #placed = new Map<Work, Placed>();
  #lastNumber = 0;

  constructor(options: PlacementsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#placed.size;
  }
  get works(): readonly Work[] {
    return [...this.#placed.keys()];
  }

  /** What engines call this work, 0 before it is sent to one; undefined where it is not here. */
  numberOf(work: Work): number | undefined {
    return this.#placed.get(work)?.number;
  }

  /** Without an engine just now, the work starts when the next one is ready. */
  start(work: Work): void {
    const placed: Placed = { work, number: 0, segments: 0, stopTimer: null, params: null };
    this.#placed.set(work, placed);
    const engine = this.#options.engine();
    if (engine !== null) this.#send(placed, engine);
  }

  /** Starts all work in an engine that has become ready. */
  handOver(engine: Engine): void {
    for (const placed of this.#all) this.#send(placed, engine);
  }

  /** Hands over a stream's parameters; an engine that boots gets them with the start. */
  update(work: Work): void {
    const engine = this.#options.engine();
    const order = work.order();
    const placed = this.#placed.get(work);
    if (engine === null || order.kind !== "stream" || !placed?.params) return;
    const update = paramsUpdate(order.params, placed.params);
    placed.params = order.params;
    const { revision } = order;
    engine.send({ type: "update", number: placed.number, revision, ...update });
  }

  /** `ended` follows within 5 s. An engine that holds on to the work longer is left alone: it finishes in the background. */
  stop(work: Work): void {
    const placed = this.#placed.get(work);
    if (placed === undefined || placed.stopTimer !== null) return;
    const engine = this.#options.engine();
    if (engine === null) {
      this.#lose(placed);
      return;
    }
    engine.send({ type: "stop", number: placed.number });
    placed.stopTimer = setTimeout(() => {
      log.warn("work did not stop in time; it finishes in the background", {
        stream: logId(work.id),
        device: this.#options.device,
      });
      this.#lose(placed);
    }, STOP_TIMEOUT_MS);
  }

  /** Takes work away between two engines, without a report. */
  withdraw(work: Work): void {
    const placed = this.#placed.get(work);
    if (placed !== undefined) this.#remove(placed);
  }

  /** Ends work here and now: no engine will report its end. */
  fail(work: Work, error: PlainError): void {
    const placed = this.#placed.get(work);
    if (placed !== undefined) this.#lose(placed, error);
  }

  /** As `fail`, for all of it; without `error` it was stopped. */
  endAll(error?: PlainError): void {
    for (const placed of this.#all) this.#lose(placed, error);
  }

  /** The engine reports on work that it knows by this number. */
  deliver(number: number, report: WorkReport): void {
    const placed = this.#all.find((one) => one.number === number);
    if (placed === undefined) return; // it was left to finish in the background
    if (report.type === "ended") {
      this.#finish(placed, (work) => work.receive(report));
      return;
    }
    // The second checkpoint means that a whole segment was made: engines that die of a stream begin a first one, too.
    const delivered =
      report.type === "made" || (report.type === "checkpoint" && ++placed.segments === 2);
    if (delivered) this.#options.delivered();
    placed.work.receive(report);
  }

  /** The engine died: ends work that was to stop, notifies the rest, and returns which of it is to blame. */
  interrupt(death: EngineDeath): Blame {
    for (const placed of this.#all) if (placed.stopTimer !== null) this.#lose(placed);
    const blamed = blame(death, this.#all);
    for (const { work, number } of this.#all) {
      const runs = death.calls.filter((call) => call.kind === "run" && call.work === number);
      work.interrupted(death.why, death.isHang ? runs.length : 0);
    }
    return blamed;
  }

  /** A copy: entries may be removed meanwhile. */
  get #all(): readonly Placed[] {
    return [...this.#placed.values()];
  }

  /** Under a new number, with no segment made. */
  #send(placed: Placed, engine: Engine): void {
    const { id } = placed.work;
    placed.work.handedTo({ device: this.#options.device, pid: engine.pid });
    const order = placed.work.order();
    placed.params = order.kind === "stream" ? order.params : null;
    placed.segments = 0;
    placed.number = ++this.#lastNumber;
    engine.send({ type: "start", id, number: placed.number, order });
  }

  #lose(placed: Placed, error?: PlainError): void {
    this.#finish(placed, (work) => work.lost(error));
  }

  #finish(placed: Placed, end: (work: Work) => void): void {
    this.#remove(placed);
    end(placed.work);
    this.#options.ended();
  }

  #remove({ work, stopTimer }: Placed): void {
    if (stopTimer !== null) clearTimeout(stopTimer);
    this.#placed.delete(work);
  }
}
