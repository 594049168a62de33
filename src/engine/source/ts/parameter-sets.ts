/** Remembers the parameter sets of a video track, for key frames that come without them. */

/** Parameter sets are some dozens of bytes; what is larger is damage. */
const MAX_SET_BYTES = 4096;

export class ParameterSets {
  /** By name, in the order they came first: a set follows the one that it refers to. */
  readonly #sets = new Map<string, Uint8Array>();

  /** Takes note of a set (a NAL unit without its start code). A set replaces the one of the same name. */
  add(name: string, nal: Uint8Array): void {
    if (nal.length > MAX_SET_BYTES) return;
    let end = nal.length;
    while (nal[end - 1] === 0) end--; // zeros of the next start code
    this.#sets.set(name, nal.slice(0, end));
  }

  /** The unit with all known sets before it. */
  before(unit: Uint8Array): Uint8Array {
    const sets = [...this.#sets.values()];
    if (sets.length === 0) return unit;
    return Buffer.concat([...sets.flatMap((set) => [START_CODE, set]), unit]);
  }
}

const START_CODE = Uint8Array.of(0, 0, 0, 1);
