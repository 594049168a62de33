/** Matches the samples that fragments announce with the `mdat` boxes that hold their data. */
import { DamagedFragment, type Mp4Sample } from "./mp4-fragment.ts";

/** A sample and its bytes, a view of the `mdat` box. */
export interface LoadedSample {
  readonly sample: Mp4Sample;
  readonly data: Uint8Array;
}

/** The body of an `mdat` box; positions are those of the channel. */
interface MediaData {
  readonly position: number;
  readonly body: Uint8Array;
}

/**
 * Samples wait for their data, and data for its samples, whichever comes first. Data that no sample has
 * claimed is retained up to `maxBytes`. Both are views or small objects: nothing is copied.
 */
export class SampleMatcher {
  readonly #maxBytes: number;
  #samples: Mp4Sample[] = [];
  #unclaimed: MediaData[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Samples whose data has not come. */
  get waiting(): number {
    return this.#samples.length;
  }

  /** Takes the samples of a fragment that ends at `position`; returns those whose data came before. */
  addSamples(samples: readonly Mp4Sample[], position: number): LoadedSample[] {
    const loaded: LoadedSample[] = [];
    const earlier = samples.filter((sample) => sample.position < position);
    for (const data of this.#unclaimed) {
      const claimed = load(earlier, data);
      if (claimed.length > 0) this.#unclaimed = this.#unclaimed.filter((each) => each !== data);
      loaded.push(...claimed);
    }
    this.#samples.push(...samples.filter((sample) => sample.position >= position));
    return loaded;
  }

  /** Takes an `mdat` box; returns the samples whose data it holds. */
  addData(position: number, body: Uint8Array): LoadedSample[] {
    const data = { position, body };
    const waiting = this.#samples;
    const end = position + body.length;
    this.#samples = waiting.filter((sample) => sample.position >= end);
    const loaded = load(waiting, data);
    if (loaded.length === 0) this.#retain(data);
    return loaded;
  }

  /** Drops everything: what follows has nothing to do with what came. */
  clear(): void {
    this.#samples = [];
    this.#unclaimed = [];
  }

  #retain(data: MediaData): void {
    this.#unclaimed.push(data);
    let bytes = this.#unclaimed.reduce((sum, { body }) => sum + body.length, 0);
    while (bytes > this.#maxBytes) bytes -= this.#unclaimed.shift()?.body.length ?? bytes;
  }
}

/** The samples that lie in `data`. Throws `DamagedFragment` if they name more bytes than that: they overlap. */
function load(samples: readonly Mp4Sample[], { position, body }: MediaData): LoadedSample[] {
  const end = position + body.length;
  const inside = samples.filter(
    (sample) => sample.position >= position && sample.position + sample.size <= end,
  );
  const named = inside.reduce((sum, { size }) => sum + size, 0);
  if (named > body.length) {
    throw new DamagedFragment(`samples of ${named} bytes share ${body.length} bytes of data`);
  }
  return inside.map((sample) => {
    const from = sample.position - position;
    return { sample, data: body.subarray(from, from + sample.size) };
  });
}
