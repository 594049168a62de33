/** Runs the nodes that load models, and those that other packs have in their place. */
import { WorkerError } from "../../../../errors.ts";
import type { NodeRunner, NodeRunners } from "../node-runner.ts";
import { output } from "../node-runner.ts";

/** Models are built for their device when they load: what compiles them passes them on. */
const passModel: NodeRunner = (inputs) => [output("MODEL", inputs.link("model", "MODEL"))];

export const LOADERS: NodeRunners = {
  async CheckpointLoaderSimple(inputs, { models }) {
    const name = inputs.text("ckpt_name");
    return [
      output("MODEL", await models.model("checkpoint", name)),
      output("CLIP", await models.clip("checkpoint", name)),
      output("VAE", await models.vae("checkpoint", name)),
    ];
  },

  async UNETLoader(inputs, { models }) {
    return [output("MODEL", await models.model("diffusion_model", inputs.text("unet_name")))];
  },

  async CLIPLoader(inputs, { models }) {
    return [output("CLIP", await models.clip("text_encoder", inputs.text("clip_name")))];
  },

  /** Folders hold both encoders of SDXL, so both names mean the same one. */
  async DualCLIPLoader(inputs, { models }) {
    const names = [inputs.text("clip_name1"), inputs.text("clip_name2")] as const;
    const [first, second] = [
      await models.clip("text_encoder", names[0]),
      await models.clip("text_encoder", names[1]),
    ];
    if (first.conditioner === second.conditioner && first.conditioner.hasTwoEncoders) {
      return [output("CLIP", first)];
    }
    const problem = `clip_name1 ${JSON.stringify(names[0])} and clip_name2 ${JSON.stringify(names[1])}`;
    throw new WorkerError(
      "invalid_request",
      `${problem} must name one model folder with text_encoder and text_encoder_2`,
    );
  },

  async VAELoader(inputs, { models }) {
    return [output("VAE", await models.vae("vae", inputs.text("vae_name")))];
  },

  async ControlNetLoader(inputs, { models }) {
    const name = inputs.text("control_net_name");
    return [output("CONTROL_NET", await models.controlNet("controlnet", name))];
  },

  async TensorRTLoader(inputs, { models }) {
    return [output("MODEL", await models.model("diffusion_model", inputs.text("unet_name")))];
  },

  TorchCompileLoadControlNet: (inputs) => [
    output("CONTROL_NET", inputs.link("controlnet", "CONTROL_NET")),
  ],
  TorchCompileLoadVAE: (inputs) => [output("VAE", inputs.link("vae", "VAE"))],
  FeatureBankAttentionProcessor: passModel,
};
