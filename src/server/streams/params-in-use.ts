/** Follows which of a stream's parameters its engine uses: the newest, or still earlier ones. */
import type { StreamParams } from "../../engine/protocol/work.ts";

export class ParamsInUse {
  #newest: StreamParams;
  /** Counts the changes. */
  #revision = 0;
  /** `Date.now()` when the newest were asked for. */
  #askedAt = Date.now();
  /** The engine has drawn with the newest, or has refused them, or they are those of the start. */
  #isSettled = true;
  /** Those of the last frame. */
  #drawn: StreamParams | null = null;

  constructor(params: StreamParams) {
    this.#newest = params;
  }

  get newest(): StreamParams {
    return this.#newest;
  }

  /** Names the newest in messages to engines and in their reports. */
  get revision(): number {
    return this.#revision;
  }

  /** Since when a change waits for its first frame, while networks load or a graph is compiled; null where none does. */
  get pendingSince(): Date | null {
    return this.#isSettled ? null : new Date(this.#askedAt);
  }

  /**
   * What a replacement engine runs until the newest can be used: these with the model and the prompts of the last frame;
   * null where they are the newest's own.
   */
  get interim(): StreamParams | null {
    if (this.#drawn === null || isSameProgram(this.#drawn, this.#newest)) return null;
    const { graphs: _, ...rest } = this.#newest;
    return { ...rest, ...programOf(this.#drawn) };
  }

  change(params: StreamParams): void {
    this.#newest = params;
    this.#revision++;
    this.#askedAt = Date.now();
    this.#isSettled = false;
  }

  /** A frame was made with these. An older revision than the newest is out of date. */
  used(revision: number): void {
    if (revision !== this.#revision) return;
    this.#drawn = this.#newest;
    this.#isSettled = true;
  }

  /** These cannot be used: the ones before stay in use. */
  refused(revision: number): void {
    if (revision === this.#revision) this.#isSettled = true;
  }

  /** Another engine tries the newest again, unless it draws with them at once. */
  interrupted(): void {
    this.#isSettled = this.interim === null;
    this.#askedAt = Date.now();
  }

  /** The stream is over: keeps these alone, for whoever reads them. */
  end(params: StreamParams): void {
    this.#newest = params;
    this.#drawn = null;
    this.#isSettled = true;
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
