/** Evaluates a denoiser for rows with prompts, timesteps and ControlNets of their own, as many in one run as the network takes. */
import { WorkerError } from "../../errors.ts";
import { floatTensor, joined, joinedFloats, type Tensor } from "../models/tensor.ts";
import type { ControlInput } from "./networks/control-net.ts";
import { type Denoiser, guidanceTensor } from "./networks/denoiser.ts";
import { commonTokens, type DenoiserRow, type RowControl, rowGroups } from "./row-groups.ts";
import type { Conditioning } from "./text/conditioning.ts";

/** The prompts of a run. */
interface Joined {
  readonly parts: readonly Conditioning[];
  readonly embeddings: Tensor;
  /** SDXL's vectors of whole prompts; null where no prompt has one. */
  readonly pooled: Tensor | null;
}

/** Latents with sides that are multiples of this can be halved as often as denoisers do it. */
const EVEN_SIDE = 8;
/** Pixels a side that one place of a latent stands for. */
const PLACE = 8;
const SIZES = 6;

export class ConditionedDenoiser {
  readonly denoiser: Denoiser;
  /** The prompts of the last run, which the next one mostly has, too. */
  #joined: Joined | null = null;
  #runs = 0;

  constructor(denoiser: Denoiser) {
    this.denoiser = denoiser;
  }

  /** How often the network has run. */
  get runs(): number {
    return this.#runs;
  }

  /**
   * What the network predicts for each row. Throws `invalid_request` for ControlNets, or sides of latents, that the network
   * does not take.
   *
   * @param guidance for networks that take it as a vector (`Denoiser.guidanceWidth`); null: the usual one
   */
  async evaluate(
    rows: readonly DenoiserRow[],
    guidance: number | null = null,
  ): Promise<readonly Float32Array[]> {
    const outputs = new Array<Float32Array>(rows.length);
    for (const places of rowGroups(rows, this.denoiser)) {
      const group = places.map((place) => rows[place] as DenoiserRow);
      for (const [at, output] of (await this.#run(group, guidance)).entries()) {
        outputs[places[at] as number] = output;
      }
    }
    return outputs;
  }

  async #run(rows: readonly DenoiserRow[], guidance: number | null): Promise<Float32Array[]> {
    const [first] = rows as [DenoiserRow];
    const { height, width } = first;
    const channels = first.sample.length / (height * width);
    const isOne = rows.every(({ timestep }) => timestep === first.timestep);
    const { embeddings, pooled } = this.#join(rows.map(({ conditioning }) => conditioning));
    const samples = joinedFloats(rows.map(({ sample }) => sample));
    const input = {
      sample: floatTensor(samples, [rows.length, channels, height, width]),
      timestep: isOne ? first.timestep : rows.map(({ timestep }) => timestep),
      embeddings,
      extras: this.#extras(rows, pooled, guidance),
    };
    this.#runs++;
    const { data } = await halving(first, async () => {
      const extras = { ...input.extras, ...(await this.#residuals(rows, input)) };
      return await this.denoiser.predict({ ...input, extras });
    });
    const length = data.length / rows.length;
    return rows.map((_, at) => (data as Float32Array).subarray(at * length, (at + 1) * length));
  }

  /** The sum of what the ControlNets of a run add; empty if none is at work. */
  async #residuals(
    rows: readonly DenoiserRow[],
    input: Omit<ControlInput, "hint" | "strength" | "depths">,
  ): Promise<Record<string, Tensor>> {
    const [{ controls }] = rows as [DenoiserRow];
    if (controls.length === 0) return {};
    if (!this.denoiser.takesResiduals) {
      throw new WorkerError(
        "invalid_request",
        "the model takes no residuals of ControlNets: load another one, or export its unet with their inputs",
      );
    }
    let sum: Record<string, Tensor> | null = null;
    for (const [place, { net, strength, depths }] of controls.entries()) {
      const hint = joined(rows.map((row) => (row.controls[place] as RowControl).hint));
      const residuals = await net.residuals({ ...input, hint, strength, depths });
      if (!this.denoiser.fitsResiduals(residuals)) {
        throw new WorkerError(
          "invalid_request",
          "the ControlNet is made for another kind of model: load one that was trained for this one",
        );
      }
      sum = sum === null ? residuals : added(sum, residuals);
    }
    return sum ?? {};
  }

  /** Each prompt repeated to a common number of tokens, which changes nothing for cross-attention. */
  #join(parts: readonly Conditioning[]): Joined {
    const known = this.#joined;
    const isKnown =
      known?.parts.length === parts.length && known.parts.every((part, at) => part === parts[at]);
    if (known !== null && isKnown) return known;
    const [{ width }] = parts as [Conditioning];
    const tokens = commonTokens(parts.map((part) => part.tokens));
    const repeated = parts.flatMap((part) =>
      new Array<Float32Array>(tokens / part.tokens).fill(part.embeddings),
    );
    const fresh: Joined = {
      parts,
      embeddings: floatTensor(joinedFloats(repeated), [parts.length, tokens, width]),
      pooled: pooledOf(parts),
    };
    this.#joined = fresh;
    return fresh;
  }

  async release(): Promise<void> {
    await this.denoiser.release();
  }

  /** What the denoiser takes besides: SDXL's vectors and sizes, and guidance. */
  #extras(
    rows: readonly DenoiserRow[],
    pooled: Tensor | null,
    guidance: number | null,
  ): Record<string, Tensor> {
    const { denoiser } = this;
    const extras: Record<string, Tensor> = {};
    if (denoiser.takes("text_embeds") && pooled) extras["text_embeds"] = pooled;
    if (denoiser.takes("time_ids")) {
      const ids = Float32Array.from(rows.flatMap(({ sizes }) => sizes));
      extras["time_ids"] = floatTensor(ids, [rows.length, SIZES]);
    }
    const width = denoiser.guidanceWidth;
    if (width !== null && guidance !== null) {
      extras["timestep_cond"] = guidanceTensor(guidance, { rows: rows.length, width });
    }
    return extras;
  }
}

/**
 * Networks halve the sides of a latent several times, and those that were not exported for odd ones fail there: that is
 * the fault of whoever chose the size.
 */
async function halving(
  { height, width }: Pick<DenoiserRow, "height" | "width">,
  run: () => Promise<Tensor>,
): Promise<Tensor> {
  try {
    return await run();
  } catch (error) {
    const isOdd = height % EVEN_SIDE !== 0 || width % EVEN_SIDE !== 0;
    if (!isOdd || !(error instanceof WorkerError) || error.kind !== "model_failed") throw error;
    const size = `${width * PLACE}x${height * PLACE}`;
    const problem = `the model cannot draw a picture, or an area of one, of ${size} pixels`;
    const way = `give sides that the network can halve, such as all multiples of ${EVEN_SIDE * PLACE}`;
    throw new WorkerError("invalid_request", `${problem}: ${way}`, { cause: error });
  }
}

/** Zeros for prompts without a vector. */
function pooledOf(parts: readonly Conditioning[]): Tensor | null {
  const length = parts.find(({ pooled }) => pooled !== null)?.pooled?.length;
  if (length === undefined) return null;
  const vectors = parts.map(({ pooled }) => pooled ?? new Float32Array(length));
  return floatTensor(joinedFloats(vectors), [parts.length, length]);
}

function added(
  first: Readonly<Record<string, Tensor>>,
  second: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(first).map(([name, tensor]) => {
      const other = second[name]?.data as Float32Array | undefined;
      const data = (tensor.data as Float32Array).map((value, at) => value + (other?.[at] ?? 0));
      return [name, { ...tensor, data }];
    }),
  );
}
