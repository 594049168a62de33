/** Orders the parameters that a stream of this engine uses: after a takeover the earlier ones come first, then the newest. */
import { type ParamsUpdate, updatedBy } from "../protocol/params-update.ts";
import type { StreamParams } from "../protocol/work.ts";

export class ParamsInTurn {
  #current: StreamParams;
  /** The newest, until the ones before are in use. */
  #next: StreamParams | null = null;
  readonly #revisions = new WeakMap<StreamParams, number>();

  /** @param interim what an earlier engine drew with, where it never drew with `params` */
  constructor(params: StreamParams, revision: number, interim?: StreamParams) {
    this.#revisions.set(params, revision);
    this.#current = interim ?? params;
    if (interim !== undefined) this.#next = params;
  }

  /** The same object until they change. */
  get current(): StreamParams {
    return this.#current;
  }

  /** The number by which the server knows these; null for the interim ones. */
  revisionOf(params: StreamParams): number | null {
    return this.#revisions.get(params) ?? null;
  }

  update(update: ParamsUpdate, revision: number): void {
    const params = updatedBy(update, this.#next ?? this.#current);
    this.#revisions.set(params, revision);
    if (this.#next === null) this.#current = params;
    else this.#next = params;
  }

  /** The current ones are in use, or cannot be: the newest take their turn. Returns whether others are current now. */
  proceed(): boolean {
    if (this.#next === null) return false;
    this.#current = this.#next;
    this.#next = null;
    return true;
  }
}
