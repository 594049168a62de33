/** Follows which of a stream's parameters its engine uses: the newest, or still earlier ones. */
import type { StreamParams } from "../../engine/protocol/work.ts";

export class ParamsInUse {
  #newest: StreamParams;
  /** Counts the changes. */
  #revision = 0;
  /** `Date.now()` when the newest were asked for. */
  #askedAt = Date.now();
  /** The engine has drawn with the newest, or has refused them. */
  #isSettled = false;
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

  /** Since when no frame has been made with the newest, which load or are compiled; null once one has, or they have failed. */
  get pendingSince(): Date | null {
    return this.#isSettled ? null : new Date(this.#askedAt);
  }

  /**
   * What a replacement engine runs until the newest can be used: these with the model and the prompts of the last frame;
   * null where they are the newest's own.
   */
  get fallback(): StreamParams | null {
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

  /** Another engine starts from the beginning. */
  interrupted(): void {
    this.#isSettled = false;
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
  ...{ model, model_params, prompts },
  ...(graphs !== undefined && { graphs }),
});

const isSameProgram = (one: StreamParams, other: StreamParams): boolean =>
  one.model === other.model &&
  Bun.deepEquals(one.graphs, other.graphs) &&
  Bun.deepEquals(one.prompts, other.prompts);
