/** Reads bit fields and Exp-Golomb codes, most significant bit first: NAL units, audio configurations. */

/** Bits past the end read as zero; `overrun` tells that it happened. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;

  /** Starts at bit `at`. A NAL unit must be free of emulation prevention bytes. */
  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** The number of the next bit. */
  get position(): number {
    return this.#at;
  }

  /** Bits that were not read yet; negative after an overrun. */
  get left(): number {
    return this.#bytes.length * 8 - this.#at;
  }

  /** More bits were read than there are: what was read last is not to be trusted. */
  get overrun(): boolean {
    return this.left < 0;
  }

  /** Reads `count` bits, at most 32, as an unsigned number. */
  bits(count: number): number {
    let value = 0;
    for (let left = count; left > 0; left--) {
      const byte = this.#bytes[this.#at >> 3] ?? 0;
      value = value * 2 + ((byte >> (7 - (this.#at & 7))) & 1);
      this.#at++;
    }
    return value;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  skip(bits: number): void {
    this.#at += bits;
  }

  /** Skips to the next whole byte. */
  align(): void {
    this.#at += -this.#at & 7;
  }

  /** Reads an unsigned Exp-Golomb code: `ue(v)` of the standards. */
  ue(): number {
    let zeros = 0;
    while (zeros < 32 && !this.overrun && !this.flag()) zeros++;
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** Reads a signed Exp-Golomb code: `se(v)`. */
  se(): number {
    const code = this.ue();
    return code & 1 ? (code + 1) / 2 : -code / 2;
  }
}
