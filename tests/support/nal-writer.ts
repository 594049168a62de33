/** Writes bit fields and Exp-Golomb codes, and turns them into NAL units with stop bit and emulation prevention. */

export class NalWriter {
  readonly #bits: number[] = [];

  bits(value: number, count: number): this {
    for (let bit = count - 1; bit >= 0; bit--) this.#bits.push(Math.floor(value / 2 ** bit) & 1);
    return this;
  }

  ue(value: number): this {
    const size = Math.floor(Math.log2(value + 1));
    return this.bits(0, size).bits(value + 1, size + 1);
  }

  /** The written bits, a stop bit and `tail`, as a NAL unit with a start code. */
  nal(header: readonly number[], tail: readonly number[] = []): Uint8Array {
    const bits = [...this.#bits, 1];
    while (bits.length % 8) bits.push(0);
    const payload: number[] = [];
    for (let at = 0; at < bits.length; at += 8) {
      payload.push(Number.parseInt(bits.slice(at, at + 8).join(""), 2));
    }
    return Uint8Array.from([0, 0, 0, 1, ...header, ...escaped([...payload, ...tail])]);
  }
}

function escaped(bytes: readonly number[]): number[] {
  const out: number[] = [];
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte <= 3) {
      out.push(3);
      zeros = 0;
    }
    out.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return out;
}
