/** Counts the places that streams and batch jobs take, and refuses what does not fit: they share the devices (protocol.md 1.7). */
import type { Size, StreamParams } from "../engine/protocol/work.ts";
import { WorkerError } from "../errors.ts";
import { getLogger } from "../log.ts";

const log = getLogger("server");

/** A full server refuses many starts a second: one line in this time counts them. */
const REFUSALS_INTERVAL_MS = 10_000;

/** What a stream or a job asks of the devices. */
export interface Load {
  /** Size of its pictures; null while it is unknown. */
  readonly size: Size | null;
  readonly fps: number;
}

/** One place covers this many pixels a second. */
const PLACE_PIXELS = 1280 * 720 * 30;

/** Frames a second of an input whose rate is unknown. */
const INPUT_FPS = 30;

/** A single picture keeps a device as busy as a stream of its size with this many frames a second. */
const PICTURE_FPS = 4;

const UNKNOWN: Load = { size: null, fps: INPUT_FPS };

/** The load of a stream with these parameters; `known` is its output size where they give none. */
export const streamLoad = ({ size, fps }: StreamParams, known: Size | null): Load => ({
  size: size ?? known,
  fps: fps ?? INPUT_FPS,
});

export const pictureLoad = (size: Size): Load => ({ size, fps: PICTURE_FPS });

/** The places of one stream or job, until it is disposed. */
export interface Place extends Disposable {
  /** Takes as many places as this load needs. Throws `at_capacity`, and then nothing has changed. */
  resize(load: Load): void;
  /** Counts the load as it turned out to be: a running stream is never refused. */
  correct(load: Load): void;
}

/**
 * A stream or job takes one place up to 1280 x 720 at 30 frames a second, and proportionally more beyond, but at most
 * half of all: a single one can neither be too large to be admitted nor keep everybody else out. While its size is
 * unknown it counts as one.
 */
export class Admission {
  /** All places, free or taken. */
  readonly capacity: number;
  #taken = 0;
  #open = true;
  #refusals = 0;
  #refusalsLoggedAt = Number.NEGATIVE_INFINITY;
  #emptied = Promise.withResolvers<void>();

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Places that are taken; more than the capacity when sizes turned out larger than expected. */
  get taken(): number {
    return this.#taken;
  }

  /** Settles the next time that the last place is given back. */
  get emptied(): Promise<void> {
    return this.#emptied.promise;
  }

  /** Refuses everything from now on; settles when all places are given back. */
  async close(): Promise<void> {
    this.#open = false;
    if (this.#taken > 0) await this.emptied;
  }

  /** Throws `at_capacity` when this load does not fit. `freed`: places that end to make room for it. */
  admit(load: Load = UNKNOWN, freed = 0): void {
    if (!this.#open) throw new WorkerError("at_capacity", "the server is shutting down");
    const needed = this.placesFor(load);
    const free = Math.max(0, this.capacity - this.#taken + freed);
    if (needed <= free) return;
    if (freed === 0) this.#logRefusal();
    throw new WorkerError("at_capacity", this.#refusal(load, needed, free));
  }

  #logRefusal(): void {
    this.#refusals++;
    const now = performance.now();
    if (now - this.#refusalsLoggedAt < REFUSALS_INTERVAL_MS) return;
    const { capacity: places } = this;
    log.warn("start refused: all places are taken", { refused: this.#refusals, places });
    this.#refusals = 0;
    this.#refusalsLoggedAt = now;
  }

  /** Takes places without asking whether they are free: see `admit`. */
  take(load: Load = UNKNOWN): Place {
    let places = this.placesFor(load);
    let held = true;
    this.#taken += places;
    const set = (next: number): void => {
      if (!held) return;
      this.#taken += next - places;
      places = next;
    };
    return {
      resize: (next) => {
        if (held && this.placesFor(next) > places) this.admit(next, places);
        set(this.placesFor(next));
      },
      correct: (next) => set(this.placesFor(next)),
      [Symbol.dispose]: () => {
        set(0);
        if (held && this.#taken === 0) this.#reportEmptied();
        held = false;
      },
    };
  }

  /** Places that this load needs. */
  placesFor({ size, fps }: Load): number {
    if (size === null) return 1;
    const needed = Math.ceil((size.width * size.height * fps) / PLACE_PIXELS);
    return Math.max(1, Math.min(needed, Math.floor(this.capacity / 2)));
  }

  #refusal({ size, fps }: Load, needed: number, free: number): string {
    if (size === null || needed === 1)
      return `all ${this.capacity} places for streams and jobs are taken (--max-streams); stop a stream or try later`;
    return (
      `${size.width}x${size.height} at ${fps} frames a second takes ${needed} places for streams and jobs, and ${free} of ` +
      `${this.capacity} are free (--max-streams); choose a smaller size or a lower fps, stop a stream, or try later`
    );
  }

  #reportEmptied(): void {
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
  }
}
