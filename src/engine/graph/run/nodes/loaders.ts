/** Runs the nodes that load models, and those that other packs have in their place. */
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
