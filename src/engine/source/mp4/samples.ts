/** Matches the samples that fragments announce with the `mdat` boxes that hold their data. */
import { DamagedFragment } from "./fragment.ts";
import type { SampleRun } from "./track.ts";

/** One sample and its bytes, a view of the `mdat` box. Times are in the track's timescale. */
export interface LoadedSample {
  readonly run: SampleRun;
  readonly dts: number;
  readonly data: Uint8Array;
}

/** The body of an `mdat` box; positions are those of the channel. */
interface MediaData {
  readonly position: number;
  readonly body: Uint8Array;
}

/** The runs of a fragment whose data has not come, and how many more `mdat` boxes they wait for. */
interface WaitingFragment {
  readonly runs: readonly SampleRun[];
  readonly chances: number;
}

/** A fragment's data is in the next `mdat`, or a few further on where several fragments come first. */
const MAX_CHANCES = 64;
/** Unclaimed `mdat` boxes that are retained; senders that write data first write one at a time. */
const MAX_UNCLAIMED = 16;
/** Samples in one `mdat`: minutes of the shortest audio frames. */
const MAX_SAMPLES = 65_536;

/**
 * Samples wait for their data, and data for its samples, whichever comes first. Both are views or small
 * objects: nothing is copied. What waits is bounded, so that time and memory are linear in the input.
 */
export class SampleMatcher {
  readonly #maxBytes: number;
  #fragments: WaitingFragment[] = [];
  #unclaimed: MediaData[] = [];

  /** `maxBytes`: unclaimed data that is retained. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the runs of a fragment that ends at `position`; returns the samples whose data came before. */
  addRuns(runs: readonly SampleRun[], position: number): LoadedSample[] {
    const loaded: LoadedSample[] = [];
    const earlier = runs.filter((run) => run.position < position);
    if (earlier.length > 0) {
      for (const data of this.#unclaimed) {
        const claimed = load(earlier, data);
        if (claimed.length > 0) this.#unclaimed = this.#unclaimed.filter((each) => each !== data);
        loaded.push(...claimed);
      }
    }
    const later = runs.filter((run) => run.position >= position);
    if (later.length > 0) this.#fragments.push({ runs: later, chances: MAX_CHANCES });
    return loaded;
  }

  /** Takes an `mdat` box; returns the samples whose data it holds. Throws `DamagedFragment`. */
  addData(position: number, body: Uint8Array): LoadedSample[] {
    const data = { position, body };
    const waiting = this.#fragments;
    const end = position + body.length;
    this.#fragments = this.#fragments.flatMap(({ runs, chances }) => {
      const later = runs.flatMap((run) => runFrom(run, end) ?? []);
      return later.length > 0 && chances > 1 ? [{ runs: later, chances: chances - 1 }] : [];
    });
    const loaded = loadNewest(waiting, data);
    if (loaded.length === 0) this.#retain(data);
    return loaded;
  }

  /** Drops everything: what follows has nothing to do with what came. */
  clear(): void {
    this.#fragments = [];
    this.#unclaimed = [];
  }

  #retain(data: MediaData): void {
    this.#unclaimed = [...this.#unclaimed, data].slice(-MAX_UNCLAIMED);
    let bytes = this.#unclaimed.reduce((sum, { body }) => sum + body.length, 0);
    while (bytes > this.#maxBytes) bytes -= this.#unclaimed.shift()?.body.length ?? bytes;
  }
}

/** The samples of fragments that lie in `data`; where they overlap, those of the last fragment alone: others are damaged. */
function loadNewest(fragments: readonly WaitingFragment[], data: MediaData): LoadedSample[] {
  try {
    return load(
      fragments.flatMap(({ runs }) => runs),
      data,
    );
  } catch (error) {
    const [last, ...others] = fragments.toReversed();
    if (!(error instanceof DamagedFragment) || last === undefined || others.length === 0)
      throw error;
    return load(last.runs, data);
  }
}

/** The part of a run that begins at or behind a position; null if there is none. */
function runFrom(run: SampleRun, position: number): SampleRun | null {
  const gone = Math.max(0, Math.ceil((position - run.position) / run.size));
  if (gone === 0) return run;
  if (gone >= run.count) return null;
  return {
    ...run,
    position: run.position + gone * run.size,
    dts: run.dts + gone * run.duration,
    count: run.count - gone,
  };
}

/** The samples that lie in `data`. Throws `DamagedFragment` if they are too many, or overlap each other. */
function load(runs: readonly SampleRun[], { position, body }: MediaData): LoadedSample[] {
  const end = position + body.length;
  let bytes = 0;
  let samples = 0;
  const inside = runs.flatMap((run) => {
    const first = Math.max(0, Math.ceil((position - run.position) / run.size));
    const last = Math.min(run.count, Math.floor((end - run.position) / run.size));
    if (last <= first) return [];
    bytes += (last - first) * run.size;
    samples += last - first;
    return { run, first, last };
  });
  if (bytes > body.length) {
    throw new DamagedFragment(`samples of ${bytes} bytes share ${body.length} bytes of data`);
  }
  if (samples > MAX_SAMPLES) throw new DamagedFragment(`there are ${samples} samples in one`);
  return inside.flatMap(({ run, first, last }) =>
    Array.from({ length: last - first }, (_, index) => {
      const from = run.position - position + (first + index) * run.size;
      const dts = run.dts + (first + index) * run.duration;
      return { run, dts, data: body.subarray(from, from + run.size) };
    }),
  );
}
