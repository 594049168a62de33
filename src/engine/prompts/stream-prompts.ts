/** Encodes the prompts of one stream when they change, and blends the vectors that its models read over time. */
import type { Prompt } from "../protocol/work.ts";
import { defaultControls } from "./controls.ts";
import { PromptMorph } from "./morph.ts";
import type { PromptEncoder } from "./prompt-encoder.ts";

export class StreamPrompts {
  readonly #encoder: Pick<PromptEncoder, "encode">;
  readonly #morph = new PromptMorph();
  #wanted: readonly Prompt[] | null = null;
  /** The prompts that `vector` was encoded from. */
  #encoded: readonly Prompt[] | null = null;
  #vector = defaultControls();
  #encoding: Promise<void> | null = null;

  constructor(encoder: Pick<PromptEncoder, "encode">) {
    this.#encoder = encoder;
  }

  /**
   * Encodes the prompts, unless they are the ones in use. Until they are ready `at` uses the ones before. One
   * encoding runs at a time: of prompts that change faster, only the newest are encoded. Rejects with
   * `model_failed`.
   */
  async prepare(prompts: readonly Prompt[]): Promise<void> {
    this.#wanted = prompts;
    this.#encoding ??= this.#encodeWanted().finally(() => {
      this.#encoding = null;
    });
    await this.#encoding;
  }

  /** True once frames are drawn with these prompts. */
  uses(prompts: readonly Prompt[]): boolean {
    return this.#encoded === prompts;
  }

  /** The vector for the frame at this media time, in seconds; see `PromptMorph`. */
  at(seconds: number): Float32Array<ArrayBuffer> {
    return this.#morph.at(this.#vector, seconds);
  }

  async #encodeWanted(): Promise<void> {
    while (this.#wanted !== null && this.#wanted !== this.#encoded) {
      const wanted = this.#wanted;
      // Every update brings all parameters anew: prompts that say the same are no change.
      if (this.#encoded === null || !Bun.deepEquals(wanted, this.#encoded)) {
        this.#vector = await this.#encoder.encode(wanted);
      }
      this.#encoded = wanted;
    }
  }
}
