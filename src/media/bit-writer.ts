/** Writes bit fields, most significant bit first. */

export class BitWriter {
  readonly #bytes: number[] = [];
  #bits = 0;

  /** Appends the low `count` bits of `value`, at most 32. */
  write(value: number, count: number): this {
    for (let bit = count - 1; bit >= 0; bit--, this.#bits++) {
      if ((this.#bits & 7) === 0) this.#bytes.push(0);
      const last = this.#bytes.length - 1;
      const set = Math.floor(value / 2 ** bit) & 1;
      this.#bytes[last] = (this.#bytes[last] ?? 0) | (set << (7 - (this.#bits & 7)));
    }
    return this;
  }

  /** Pads with zero bits to the next whole byte. */
  align(): this {
    this.#bits = this.#bytes.length * 8;
    return this;
  }

  /** Everything written, padded to whole bytes. */
  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
