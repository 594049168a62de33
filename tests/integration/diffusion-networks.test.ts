/** Runs the networks of tiny diffusion pipelines, and compares them with what torch gave for the same tensors. */
import { afterAll, describe, expect, test } from "bun:test";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { ControlNet } from "../../src/engine/diffusion/networks/control-net.ts";
import { Denoiser } from "../../src/engine/diffusion/networks/denoiser.ts";
import { Network } from "../../src/engine/diffusion/networks/network.ts";
import { TextEncoder } from "../../src/engine/diffusion/networks/text-encoder.ts";
import { VaeDecoder, VaeEncoder } from "../../src/engine/diffusion/networks/vae.ts";
import {
  type GoldenCase,
  type GoldenSet,
  goldenSet,
  greatestDifference,
} from "../support/golden.ts";
import { sharedData } from "../support/shared-data.ts";

const { settings } = parseDevice("cpu");
/** As the data's README allows. */
const TOLERANCE = 1e-4;

const sets = {
  plain: await goldenSet("pipeline/modules"),
  xl: await goldenSet("pipeline-xl/modules"),
  control: await goldenSet("pipeline-control/modules"),
};
const file = (path: string): string => `${sharedData("golden")}/${path}/model.onnx`;

const opened = new Map<string, { release(): Promise<void> }>();
afterAll(async () => {
  for (const network of opened.values()) await network.release();
});

/** Each network once. */
async function open<T extends { release(): Promise<void> }>(
  how: { open(path: string, its: typeof settings): Promise<T> },
  path: string,
): Promise<T> {
  const known = opened.get(path) as T | undefined;
  const network = known ?? (await how.open(file(path), settings));
  opened.set(path, network);
  return network;
}

const casesOf = (set: GoldenSet | null, wanted: (its: GoldenCase) => boolean) =>
  (set?.cases ?? []).filter(wanted);

const ids = (its: GoldenCase) => its["input_ids"] as number[];

describe.skipIf(sets.plain === null)("a plain pipeline (../shared/data/golden/pipeline)", () => {
  const set = sets.plain as GoldenSet;

  test.each(casesOf(set, ({ id }) => id.startsWith("text-")))("$id", async (its) => {
    const encoder = await open(TextEncoder, "pipeline/tiny-sd/text_encoder");
    const { hidden, pooled } = await encoder.encode(ids(its));
    expect(greatestDifference(hidden, set.array(its, "last_hidden_state"))).toBeLessThan(TOLERANCE);
    expect(greatestDifference(pooled ?? undefined, set.array(its, "pooler_output"))).toBeLessThan(
      TOLERANCE,
    );
    const { hidden: before } = await encoder.encode(ids(its), -2);
    expect(greatestDifference(before, set.array(its, "hidden_states.1"))).toBeLessThan(TOLERANCE);
  });

  test.each(casesOf(set, ({ id }) => id.startsWith("unet-")))("$id", async (its) => {
    const denoiser = await open(Denoiser, "pipeline/tiny-sd/unet");
    const predicted = await denoiser.predict({
      sample: set.array(its, "sample"),
      timestep: Number(its["timestep"]),
      embeddings: set.array(its, "encoder_hidden_states"),
    });
    expect(greatestDifference(predicted, set.array(its, "out_sample"))).toBeLessThan(TOLERANCE);
  });

  test.each(casesOf(set, ({ id }) => id.includes("-vae_")))(
    "$id, without the conversion of pixels",
    async (its) => {
      const [, name, half] = /^(tiny-\w+)-(vae_\w+coder)/.exec(its.id) ?? [];
      const network = await Network.open(file(`pipeline/${name}/${half}`), settings);
      const [input] = network.signature.inputs;
      const [output] = network.signature.outputs;
      const outputs = await network.run({
        [input?.name ?? ""]: set.array(its, input?.name ?? ""),
      });
      const expected = set.array(its, output?.name ?? "");
      expect(greatestDifference(outputs[output?.name ?? ""], expected)).toBeLessThan(TOLERANCE);
      await network.release();
    },
  );

  test("no case is left out", () => {
    const known = ({ id }: GoldenCase): boolean => /^(text-|unet-|tiny-\w+-vae_)/.test(id);
    expect(set.cases.filter((its) => !known(its))).toEqual([]);
  });

  test("a picture is encoded to a latent, and a latent decoded to a picture", async () => {
    const encoder = await open(VaeEncoder, "pipeline/tiny-taesd/vae_encoder");
    const decoder = await open(VaeDecoder, "pipeline/tiny-taesd/vae_decoder");
    const plain = await Network.open(file("pipeline/tiny-taesd/vae_encoder"), settings);
    const picture = {
      width: 48,
      height: 32,
      data: Uint8Array.from({ length: 48 * 32 * 3 }, (_, at) => (at * 7) % 256),
    };
    const latent = await encoder.encode(picture);
    const sample = Float32Array.from(picture.data, (byte) => byte / 127.5 - 1);
    const expected = await plain.run({
      sample: { dtype: "float32", dims: [1, 3, 32, 48], data: sample },
    });
    await plain.release();
    expect(encoder.isDistribution).toBe(false);
    expect(greatestDifference(latent, expected["latent_sample"] ?? latent)).toBeLessThan(TOLERANCE);

    const [its] = casesOf(set, ({ id }) => id === "tiny-taesd-vae_decoder");
    if (its === undefined) return;
    const { data, ...size } = await decoder.decode(set.array(its, "latent_sample"));
    expect(size).toEqual({ width: 64, height: 64 });
    for (const [at, each] of set.array(its, "sample").data.entries()) {
      const byte = Math.min(255, Math.max(0, (Number(each) / 2 + 0.5) * 255));
      expect(Math.abs((data[at] ?? 0) - byte)).toBeLessThan(0.51);
    }
  });

  test("what an export lacks is named with the way out", async () => {
    const encoder = await open(TextEncoder, "pipeline/tiny-sd/text_encoder");
    await expect(encoder.encode([1, 2], -9)).rejects.toThrow(/3 hidden states; layer -9/);
    await expect(Denoiser.open(file("pipeline/tiny-sd/vae_decoder"), settings)).rejects.toThrow(
      /no input "sample": "latent_sample"/,
    );
  });
});

describe.skipIf(sets.xl === null)("SDXL's layout (../shared/data/golden/pipeline-xl)", () => {
  const set = sets.xl as GoldenSet;

  test.each(casesOf(set, ({ id }) => id.startsWith("text-")))("$id", async (its) => {
    const first = await open(TextEncoder, "pipeline-xl/tiny-xl/text_encoder");
    const second = await open(TextEncoder, "pipeline-xl/tiny-xl/text_encoder_2");
    const one = await first.encode(ids(its), -2);
    const two = await second.encode((its["input_ids_2"] as number[] | undefined) ?? ids(its), -2);
    expect(greatestDifference(one.hidden, set.array(its, "hidden_1"))).toBeLessThan(TOLERANCE);
    expect(greatestDifference(two.hidden, set.array(its, "hidden_2"))).toBeLessThan(TOLERANCE);
    const pooled = two.pooled ?? undefined;
    expect(greatestDifference(pooled, set.array(its, "text_embeds"))).toBeLessThan(TOLERANCE);
  });

  test.each(casesOf(set, ({ id }) => id.startsWith("unet-")))("$id", async (its) => {
    const denoiser = await open(Denoiser, "pipeline-xl/tiny-xl/unet");
    expect(denoiser.takes("time_ids")).toBe(true);
    const predicted = await denoiser.predict({
      sample: set.array(its, "sample"),
      timestep: Number(its["timestep"]),
      embeddings: set.array(its, "encoder_hidden_states"),
      extras: {
        text_embeds: set.array(its, "text_embeds"),
        time_ids: set.array(its, "time_ids"),
      },
    });
    expect(greatestDifference(predicted, set.array(its, "out_sample"))).toBeLessThan(TOLERANCE);
  });
});

describe.skipIf(sets.control === null)(
  "a ControlNet (../shared/data/golden/pipeline-control)",
  () => {
    const set = sets.control as GoldenSet;

    test.each(set?.cases ?? [])("$id, and the denoiser that it steers", async (its) => {
      const net = await open(ControlNet, "pipeline-control/tiny-control/controlnet");
      const denoiser = await open(Denoiser, "pipeline-control/tiny-control/unet");
      const input = {
        sample: set.array(its, "sample"),
        timestep: Number(its["timestep"]),
        embeddings: set.array(its, "encoder_hidden_states"),
      };
      const residuals = await net.residuals({
        ...input,
        hint: set.array(its, "controlnet_cond"),
        strength: Number(its["conditioning_scale"]),
      });
      const names = Object.keys(its["arrays"] as object).filter((name) => name.includes("_block_"));
      expect(Object.keys(residuals)).toHaveLength(names.length);
      for (const name of names) {
        const taken = name
          .replace("mid_block_res_sample", "mid_block_additional_residual")
          .replace("down_block_res_samples", "down_block_additional_residuals");
        expect(greatestDifference(residuals[taken], set.array(its, name))).toBeLessThan(TOLERANCE);
      }
      const predicted = await denoiser.predict({ ...input, extras: residuals });
      expect(greatestDifference(predicted, set.array(its, "out_sample"))).toBeLessThan(TOLERANCE);
    });
  },
);
