/** Keeps the order by which an engine runs a stream: its newest parameters, those of the last frame, and where its output stands. */
import type {
  Checkpoint,
  ResumePoint,
  StreamParams,
  StreamSpec,
  WorkOrder,
} from "../../engine/protocol/work.ts";

export class StreamOrder {
  readonly #spec: StreamSpec;
  #newest: StreamParams;
  /** Counts the changes: names the newest parameters in messages to engines and in their reports. */
  #revision = 0;
  /** `Date.now()` when the newest were asked for. */
  #askedAt = Date.now();
  /** The engine has drawn with the newest, or has refused them, or they are those of the start. */
  #isSettled = true;
  /** Those of the last frame. */
  #drawn: StreamParams | null = null;
  /** `at` is `performance.now()` when it came: monotonic clocks of two processes cannot be compared. */
  #checkpoint: { readonly last: Checkpoint; readonly at: number } | null = null;

  constructor(spec: StreamSpec, params: StreamParams) {
    this.#spec = spec;
    this.#newest = params;
  }

  /** The newest, whether an engine uses them yet or not. */
  get params(): StreamParams {
    return this.#newest;
  }

  /** Since when a change waits for its first frame, while networks load or a graph is compiled; null where none does. */
  get pendingSince(): Date | null {
    return this.#isSettled ? null : new Date(this.#askedAt);
  }

  /** Sequence number of the output segment that was begun last; null before the first. */
  get segment(): number | null {
    return this.#checkpoint?.last.seq ?? null;
  }

  /** The order as of now: a replacement engine resumes at the last checkpoint. */
  get current(): WorkOrder {
    const interim = this.#interim;
    const resume = this.#resume;
    return {
      kind: "stream",
      spec: this.#spec,
      params: this.#newest,
      revision: this.#revision,
      ...(interim && { interim }),
      ...(resume && { resume }),
    };
  }

  change(params: StreamParams): void {
    this.#newest = params;
    this.#revision++;
    this.#askedAt = Date.now();
    this.#isSettled = false;
  }

  /** A frame was made with these parameters. An older revision than the newest is out of date. */
  used(revision: number): void {
    if (revision !== this.#revision) return;
    this.#drawn = this.#newest;
    this.#isSettled = true;
  }

  /** These parameters cannot be used: the ones before stay in use. */
  refused(revision: number): void {
    if (revision === this.#revision) this.#isSettled = true;
  }

  /** The engine has begun another segment of the output. */
  reached(checkpoint: Checkpoint): void {
    this.#checkpoint = { last: checkpoint, at: performance.now() };
  }

  /** Another engine tries the newest parameters again, unless it draws with them at once. */
  interrupted(): void {
    this.#isSettled = this.#interim === null;
    this.#askedAt = Date.now();
  }

  /** The stream is over: keeps these parameters alone, for whoever reads them. */
  end(params: StreamParams): void {
    this.#newest = params;
    this.#drawn = null;
    this.#isSettled = true;
    this.#checkpoint = null;
  }

  /**
   * What a replacement engine runs until the newest can be used: these with the model and the prompts of the last frame;
   * null where they are the newest's own.
   */
  get #interim(): StreamParams | null {
    if (this.#drawn === null || isSameProgram(this.#drawn, this.#newest)) return null;
    const { graphs: _, ...rest } = this.#newest;
    return { ...rest, ...programOf(this.#drawn) };
  }

  get #resume(): ResumePoint | null {
    if (this.#checkpoint === null) return null;
    const { last, at } = this.#checkpoint;
    return { ...last, age_ms: performance.now() - at };
  }
}

/** What a stream draws by. */
const programOf = ({ model, model_params, prompts, graphs }: StreamParams) => ({
  model,
  model_params,
  prompts,
  ...(graphs !== undefined && { graphs }),
});

const isSameProgram = (one: StreamParams, other: StreamParams): boolean =>
  one.model === other.model &&
  Bun.deepEquals(one.graphs, other.graphs) &&
  Bun.deepEquals(one.prompts, other.prompts);
