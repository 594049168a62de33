/** Evaluates a denoiser for rows with conditionings and timesteps of their own, as many in one run as the network takes. */
import { pictureTensor } from "../models/roles/frame.ts";
import { joined, type Tensor } from "../models/tensor.ts";
import type { Size } from "../protocol/work.ts";
import type { ControlInput, ControlNet } from "./networks/control-net.ts";
import { type Denoiser, guidanceTensor } from "./networks/denoiser.ts";
import { bothLimits, type DenoiserRow, rowGroups } from "./row-groups.ts";
import type { LatentShape } from "./sampler/latent.ts";
import { type Conditioning, equalTokens } from "./text/conditioning.ts";

/** What all rows share. */
export interface RowsContext {
  /** Of one latent, whose batch is 1. */
  readonly shape: LatentShape;
  /** Of the picture: SDXL's networks take it. */
  readonly size: Size;
  /** For networks that take it as a vector (`Denoiser.guidanceWidth`). */
  readonly guidance: number;
}

interface Joined {
  readonly parts: readonly Conditioning[];
  readonly embeddings: Tensor;
  readonly pooled: Tensor | null;
}

export class ConditionedDenoiser {
  readonly denoiser: Denoiser;
  readonly #controlNet: ControlNet | null;
  /** The conditionings of the last run, which the next one mostly has, too. */
  #joined: Joined | null = null;
  /** Two conditionings of different lengths, and what they are made to fit one batch. */
  #equal: {
    readonly one: Conditioning;
    readonly other: Conditioning;
    readonly pair: readonly [Conditioning, Conditioning] | null;
  } | null = null;
  #runs = 0;

  constructor(denoiser: Denoiser, controlNet: ControlNet | null = null) {
    this.denoiser = denoiser;
    this.#controlNet = controlNet;
  }

  /** How often the network has run. */
  get runs(): number {
    return this.#runs;
  }

  /** What the network predicts for each row. */
  async evaluate(
    rows: readonly DenoiserRow[],
    context: RowsContext,
  ): Promise<readonly Float32Array[]> {
    const equal = this.#equallyLong(rows);
    const outputs = new Array<Float32Array>(rows.length);
    const steered = bothLimits(this.denoiser, this.#controlNet);
    const limitsOf = ({ control = null }: DenoiserRow) =>
      control === null ? this.denoiser : steered;
    for (const places of rowGroups(equal, limitsOf)) {
      const group = places.map((place) => equal[place] as DenoiserRow);
      for (const [at, output] of (await this.#run(group, context)).entries()) {
        outputs[places[at] as number] = output;
      }
    }
    return outputs;
  }

  /** Rows of a positive and a negative conditioning, both made equally long where that is no waste. */
  #equallyLong(rows: readonly DenoiserRow[]): readonly DenoiserRow[] {
    const [one, other, ...more] = new Set(rows.map(({ conditioning }) => conditioning));
    if (one === undefined || other === undefined || more.length > 0) return rows;
    if (one.tokens === other.tokens) return rows;
    if (this.#equal?.one !== one || this.#equal.other !== other) {
      this.#equal = { one, other, pair: equalTokens(one, other) };
    }
    const { pair } = this.#equal;
    if (pair === null) return rows;
    return rows.map((row) => ({ ...row, conditioning: pair[row.conditioning === one ? 0 : 1] }));
  }

  async #run(
    given: readonly DenoiserRow[],
    { shape, size, guidance }: RowsContext,
  ): Promise<Float32Array[]> {
    const { fixedRows } = this.denoiser;
    const rows = [...given];
    while (fixedRows !== null && rows.length < fixedRows) rows.push(rows[0] as DenoiserRow);
    const [, ...sides] = shape;
    const [first] = rows as [DenoiserRow];
    const isOne = rows.every(({ timestep }) => timestep === first.timestep);
    const timestep = isOne ? first.timestep : rows.map((row) => row.timestep);
    const { embeddings, pooled } = this.#join(rows.map(({ conditioning }) => conditioning));
    const sample = tensorOf(joinArrays(rows.map((row) => row.sample)), [rows.length, ...sides]);
    const extras = this.#extras(rows.length, { pooled, size, guidance });
    const input = { sample, timestep, embeddings, extras };
    const residuals = await this.#residuals(rows, input);
    this.#runs++;
    const { data } = await this.denoiser.predict({ ...input, extras: { ...extras, ...residuals } });
    const length = data.length / rows.length;
    return given.map((_, at) => (data as Float32Array).subarray(at * length, (at + 1) * length));
  }

  /** What the ControlNet adds for rows that follow pictures; all of them do so as strongly. */
  async #residuals(
    rows: readonly DenoiserRow[],
    input: Omit<ControlInput, "hint" | "strength">,
  ): Promise<Record<string, Tensor>> {
    const [strength] = rows.map(({ control }) => control?.strength);
    if (this.#controlNet === null || strength === undefined) return {};
    const hints = rows.flatMap(({ control }) => control?.picture ?? []);
    return await this.#controlNet.residuals({
      ...{ ...input, strength },
      hint: joined(hints.map(pictureTensor)),
    });
  }

  #join(parts: readonly Conditioning[]): Joined {
    const known = this.#joined;
    const isKnown =
      known?.parts.length === parts.length && known.parts.every((part, at) => part === parts[at]);
    if (known !== null && isKnown) return known;
    const [{ tokens, width, pooled }] = parts as [Conditioning];
    const fresh: Joined = {
      parts,
      embeddings: tensorOf(joinArrays(parts.map(({ embeddings }) => embeddings)), [
        ...[parts.length, tokens, width],
      ]),
      pooled: pooled && tensorOf(joinArrays(pooledOf(parts)), [parts.length, pooled.length]),
    };
    this.#joined = fresh;
    return fresh;
  }

  async release(): Promise<void> {
    await this.denoiser.release();
    await this.#controlNet?.release();
  }

  /** What the denoiser takes besides: SDXL's pooled vectors, and sizes as it was trained with them; guidance. */
  #extras(
    rows: number,
    { pooled, size, guidance }: Pick<Joined, "pooled"> & Pick<RowsContext, "size" | "guidance">,
  ): Record<string, Tensor> {
    const { denoiser } = this;
    const extras: Record<string, Tensor> = {};
    if (denoiser.takes("text_embeds") && pooled) extras["text_embeds"] = pooled;
    if (denoiser.takes("time_ids")) {
      const ids = [size.height, size.width, 0, 0, size.height, size.width];
      const data = Float32Array.from({ length: rows * ids.length }, (_, at) => ids[at % 6] ?? 0);
      extras["time_ids"] = tensorOf(data, [rows, ids.length]);
    }
    const width = denoiser.guidanceWidth;
    if (width !== null) extras["timestep_cond"] = guidanceTensor(guidance, { rows, width });
    return extras;
  }
}

/** Zeros for conditionings without a pooled vector. */
function pooledOf(parts: readonly Conditioning[]): Float32Array[] {
  const length = parts[0]?.pooled?.length ?? 0;
  return parts.map(({ pooled }) => pooled ?? new Float32Array(length));
}

/** One array is given as it is. */
function joinArrays(arrays: readonly Float32Array[]): Float32Array {
  const [first] = arrays;
  if (first !== undefined && arrays.length === 1) return first;
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

const tensorOf = (data: Float32Array, dims: readonly number[]): Tensor => ({
  ...{ dtype: "float32", dims, data },
});
