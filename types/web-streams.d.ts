/** Declares members of Bun's streams that its types lack. */

interface Transformer<I = unknown, O = unknown> {
  /** Runs on downstream cancel, upstream abort and upstream error (WHATWG Streams, transformer.cancel). */
  cancel?: (reason: unknown) => void | PromiseLike<void>;
}
