/** Upper bound of a diffusion pipeline's throughput: its exported networks one after the other, in one thread, and nothing else. */
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { parseDevice } from "../../src/engine/device/devices.ts";
import type { Size } from "../../src/engine/protocol/work.ts";

/** What an image-to-image step of Stable Diffusion 1.x multiplies latents by. */
const LATENT_SCALE = 0.18215;
const LATENT_CHANNELS = 4;
const TIMESTEP = 599n;
const TOKENS = 77;

type Network = "text_encoder" | "vae_encoder" | "unet" | "vae_decoder";

/** Image to image in one step. The files are opened as they are, with the session settings of the engine. */
export class PipelineLoop {
  readonly #sessions: Readonly<Record<Network, ort.InferenceSession>>;
  readonly #picture: ort.Tensor;
  readonly #noise: Float32Array;
  #embeddings: ort.Tensor | null = null;

  private constructor(sessions: Readonly<Record<Network, ort.InferenceSession>>, size: Size) {
    this.#sessions = sessions;
    const { width, height } = size;
    const pixels = new Float32Array(3 * width * height).map((_, at) => Math.sin(at / 97));
    this.#picture = new ort.Tensor("float32", pixels, [1, 3, height, width]);
    this.#noise = new Float32Array((LATENT_CHANNELS * width * height) / 64).map((_, at) =>
      Math.cos(at * 1.7),
    );
  }

  /** Of a folder in the layout of diffusers, whose text encoder takes int32 ids. */
  static async open(folder: string, size: Size): Promise<PipelineLoop> {
    const { settings } = parseDevice("cpu");
    const open = async (part: Network) =>
      await ort.InferenceSession.create(join(folder, part, "model.onnx"), { ...settings });
    const sessions = {
      text_encoder: await open("text_encoder"),
      vae_encoder: await open("vae_encoder"),
      unet: await open("unet"),
      vae_decoder: await open("vae_decoder"),
    };
    return new PipelineLoop(sessions, size);
  }

  /** Draws for some seconds with one prompt; returns pictures a second. */
  async measure(seconds: number): Promise<number> {
    this.#embeddings ??= await this.encodeText();
    await this.#draw(this.#embeddings); // its memory may have left the cache
    const begun = performance.now();
    const end = begun + seconds * 1000;
    let pictures = 0;
    for (; performance.now() < end; pictures++) await this.#draw(this.#embeddings);
    return (pictures * 1000) / (performance.now() - begun);
  }

  async encodeText(): Promise<ort.Tensor> {
    const ids = new ort.Tensor("int32", new Int32Array(TOKENS).fill(1), [1, TOKENS]);
    return await outputOf(this.#sessions.text_encoder, { input_ids: ids });
  }

  async release(): Promise<void> {
    for (const session of Object.values(this.#sessions)) await session.release();
  }

  async #draw(embeddings: ort.Tensor): Promise<void> {
    const { vae_encoder, unet, vae_decoder } = this.#sessions;
    const encoded = await outputOf(vae_encoder, { sample: this.#picture });
    const [, , height = 0, width = 0] = encoded.dims;
    const dims = [1, LATENT_CHANNELS, height, width];
    const latent = (encoded.data as Float32Array).subarray(0, this.#noise.length);
    const noisy = latent.map((mean, at) => mean * LATENT_SCALE + (this.#noise[at] ?? 0));
    const clean = await outputOf(unet, {
      sample: new ort.Tensor("float32", noisy, dims),
      timestep: new ort.Tensor("int64", [TIMESTEP], [1]),
      encoder_hidden_states: embeddings,
    });
    await outputOf(vae_decoder, { latent_sample: clean });
  }
}

/** The first output of a run. */
async function outputOf(
  session: ort.InferenceSession,
  feeds: Readonly<Record<string, ort.Tensor>>,
): Promise<ort.Tensor> {
  const [name = ""] = session.outputNames;
  const { [name]: output } = await session.run(feeds, [name]);
  return output as ort.Tensor; // the outputs of these networks are dense tensors
}
