/** Lists the classes that load checkpoints and their parts. */
import type { NodeClass } from "../node-class.ts";
import { CheckpointLoaderSimple } from "./loaders/checkpoint-loader-simple.ts";
import { CLIPLoader } from "./loaders/clip-loader.ts";
import { ControlNetLoader } from "./loaders/control-net-loader.ts";
import { DualCLIPLoader } from "./loaders/dual-clip-loader.ts";
import { UNETLoader } from "./loaders/unet-loader.ts";
import { VAELoader } from "./loaders/vae-loader.ts";

export const LOADER_NODES: readonly NodeClass[] = [
  CheckpointLoaderSimple,
  UNETLoader,
  CLIPLoader,
  DualCLIPLoader,
  VAELoader,
  ControlNetLoader,
];
